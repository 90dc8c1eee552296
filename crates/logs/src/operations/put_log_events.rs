//! `PutLogEvents`: judged here, stored by the writer.

use std::sync::Arc;

use api_logs::{
    EntityRejectionErrorType, InputLogEvent, PutLogEventsRequest, PutLogEventsResponse, RejectedEntityInfo,
    RejectedLogEventsInfo,
};
use targets::LogStream;
use wire::{Context, Error};

use crate::errors::{group_missing, invalid, stream_missing, unavailable};
use crate::event::{EVENT_BYTES_MAX, OVERHEAD_BYTES, size_bytes};
use crate::group::{find, find_stream, snapshot};
use crate::service::Inner;
use crate::writer::{PutError, Written};

/// "The maximum batch size is 1,048,576 bytes" (API reference, `PutLogEvents`).
const BATCH_BYTES_MAX: usize = 1 << 20;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const FUTURE_MAX_MS: i64 = 2 * HOUR_MS;
const PAST_MAX_MS: i64 = 14 * 24 * HOUR_MS;
const SPAN_MAX_MS: i64 = 24 * HOUR_MS;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, Error> {
    check_size(&input.log_events)?;
    if input.log_events.windows(2).any(|pair| pair[0].timestamp > pair[1].timestamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let snapshot = snapshot(inner).await?;
    let group = find(context, &*snapshot, &input.log_group_name).await?.record;
    let stream = find_stream(&*snapshot, group.id, &input.log_stream_name).await?.record;
    drop(snapshot);

    let now = inner.clock.now();
    let verdict = judge(&input.log_events, now.as_millis(), group.expired_before_ms(now));
    let (from, to) = verdict.accepted;
    let events: Vec<Written> = input
        .log_events
        .into_iter()
        .take(to)
        .skip(from)
        .map(|event| Written { timestamp_ms: event.timestamp, message: event.message })
        .collect();
    if let (Some(first), Some(last)) = (events.first(), events.last()) {
        if last.timestamp_ms - first.timestamp_ms > SPAN_MAX_MS {
            return Err(invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ));
        }
        let target = LogStream {
            account: context.account.clone(),
            region: context.region.clone(),
            group: input.log_group_name,
            stream: input.log_stream_name,
        };
        write(inner, target, events).await?;
    }
    Ok(PutLogEventsResponse {
        next_sequence_token: Some(sequence_token(stream.next_sequence + 1)),
        rejected_log_events_info: verdict.rejected,
        // Entities are not kept, and the answer has a place to say so.
        rejected_entity_info: input
            .entity
            .map(|_| RejectedEntityInfo { error_type: EntityRejectionErrorType::UnsupportedLogGroupType }),
    })
}

async fn write(inner: &Inner, target: LogStream, events: Vec<Written>) -> Result<(), Error> {
    let _permit = inner.puts.acquire().await.map_err(|_| unavailable())?;
    match inner.queue.put(Arc::new(target), events).await {
        Ok(()) => Ok(()),
        Err(PutError::GroupMissing) => Err(group_missing()),
        Err(PutError::StreamMissing) => Err(stream_missing()),
        Err(PutError::Unavailable) => Err(unavailable()),
    }
}

fn check_size(events: &[InputLogEvent]) -> Result<(), Error> {
    let event_max = EVENT_BYTES_MAX - OVERHEAD_BYTES;
    let largest = events.iter().map(|event| event.message.len()).max().unwrap_or(0);
    if largest > event_max {
        return Err(invalid(format!("Log event too large: {largest} bytes exceeds limit of {event_max}")));
    }
    let total: usize = events.iter().map(|event| size_bytes(&event.message)).sum();
    if total > BATCH_BYTES_MAX {
        return Err(invalid(format!("Upload too large: {total} bytes exceeds limit of {BATCH_BYTES_MAX}")));
    }
    Ok(())
}

/// Which events are taken, and what is said of the others.
#[derive(Debug, PartialEq)]
struct Verdict {
    accepted: (usize, usize),
    rejected: Option<RejectedLogEventsInfo>,
}

/// "Events more than 2 hours in the future are rejected ... Events older than 14 days or preceding the log group's
/// retention period are rejected while processing remaining valid events" (API reference). The events are in order.
fn judge(events: &[InputLogEvent], now_ms: i64, expired_before_ms: Option<i64>) -> Verdict {
    let before = |ms: i64| events.partition_point(|event| event.timestamp < ms);
    let too_old_end = before(now_ms - PAST_MAX_MS);
    let expired_end = expired_before_ms.map_or(0, before);
    let too_new_start = before(now_ms + FUTURE_MAX_MS + 1);
    let index = |count: usize, is_said: bool| is_said.then(|| i32::try_from(count).unwrap_or(i32::MAX));
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: index(too_new_start, too_new_start < events.len()),
        too_old_log_event_end_index: index(too_old_end, too_old_end > 0),
        expired_log_event_end_index: index(expired_end, expired_end > 0),
    };
    Verdict {
        accepted: (too_old_end.max(expired_end), too_new_start),
        rejected: (rejected != RejectedLogEventsInfo::default()).then_some(rejected),
    }
}

/// "The sequence token is now ignored" (API reference, `PutLogEvents`), but still returned: 56 digits.
pub(super) fn sequence_token(sequence: u64) -> String {
    format!("49{sequence:0>54}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100 * 24 * HOUR_MS;

    fn events(timestamps: &[i64]) -> Vec<InputLogEvent> {
        let event = |timestamp: &i64| InputLogEvent { timestamp: *timestamp, message: "x".to_owned() };
        timestamps.iter().map(event).collect()
    }

    #[test]
    fn the_edges_of_what_is_accepted() {
        let edges = events(&[NOW - PAST_MAX_MS, NOW, NOW + FUTURE_MAX_MS]);
        assert_eq!(judge(&edges, NOW, None), Verdict { accepted: (0, 3), rejected: None });
    }

    #[test]
    fn what_is_too_old_expired_or_too_new_is_named() {
        let day = 24 * HOUR_MS;
        let mixed = events(&[NOW - 15 * day, NOW - 4 * day, NOW - day, NOW + 3 * HOUR_MS]);
        let verdict = judge(&mixed, NOW, Some(NOW - 3 * day));
        let rejected = RejectedLogEventsInfo {
            too_new_log_event_start_index: Some(3),
            too_old_log_event_end_index: Some(1),
            expired_log_event_end_index: Some(2),
        };
        assert_eq!(verdict, Verdict { accepted: (2, 3), rejected: Some(rejected) });
        let old = judge(&events(&[0, 1]), NOW, None);
        assert_eq!(old.accepted, (2, 2));
        assert_eq!(old.rejected.unwrap().too_old_log_event_end_index, Some(2));
    }
}
