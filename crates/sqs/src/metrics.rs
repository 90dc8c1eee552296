//! Figures in CloudWatch: "Available CloudWatch metrics for Amazon SQS" in the developer guide.

use targets::{Sampled, Unit};

use crate::directory::OpenQueue;
use crate::service::Inner;

/// Messages of these sizes were sent.
pub(crate) fn sent(inner: &Inner, queue: &OpenQueue, sizes_bytes: impl IntoIterator<Item = usize>) {
    let mut values = vec![("NumberOfMessagesSent", Unit::Count, 0.0)];
    for size in sizes_bytes {
        values[0].2 += 1.0;
        values.push(("SentMessageSize", Unit::Bytes, as_figure(size as u64)));
    }
    if values.len() > 1 {
        record(inner, queue, &values);
    }
}

/// So many messages were received.
pub(crate) fn received(inner: &Inner, queue: &OpenQueue, count: usize) {
    let value = match count {
        0 => ("NumberOfEmptyReceives", Unit::Count, 1.0),
        count => ("NumberOfMessagesReceived", Unit::Count, as_figure(count as u64)),
    };
    record(inner, queue, &[value]);
}

/// So many messages were deleted.
pub(crate) fn deleted(inner: &Inner, queue: &OpenQueue, count: usize) {
    if count > 0 {
        record(inner, queue, &[("NumberOfMessagesDeleted", Unit::Count, as_figure(count as u64))]);
    }
}

fn record(inner: &Inner, queue: &OpenQueue, values: &[(&'static str, Unit, f64)]) {
    inner.metrics.record(&queue.metrics, inner.clock.now(), values);
}

/// How full the queues are that are in use.
pub(crate) async fn sample(inner: &Inner) -> Vec<Sampled> {
    let mut sampled = Vec::new();
    for queue in inner.directory.all() {
        // What cannot be counted now is left out.
        let Ok(counters) = queue.messages.counters().await else { continue };
        let oldest =
            counters.oldest.map_or(0.0, |sent| inner.clock.now().saturating_since(sent).as_secs_f64());
        let values = vec![
            ("ApproximateNumberOfMessagesVisible", Unit::Count, as_figure(counters.visible)),
            ("ApproximateNumberOfMessagesNotVisible", Unit::Count, as_figure(counters.in_flight)),
            ("ApproximateNumberOfMessagesDelayed", Unit::Count, as_figure(counters.delayed)),
            ("ApproximateAgeOfOldestMessage", Unit::Seconds, oldest.floor()),
        ];
        sampled.push((queue.metrics.clone(), values));
    }
    sampled
}

#[expect(clippy::cast_precision_loss, reason = "figures are floating-point numbers")]
const fn as_figure(count: u64) -> f64 {
    count as f64
}
