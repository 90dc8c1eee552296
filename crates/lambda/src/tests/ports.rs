//! What the service asks of others, kept in memory to be looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clock::Timestamp;
use ids::Arn;
use store::Transaction;
use targets::{
    FailedEvent, MetricSource, Prepared, PublishToTopic, QueueInfo, QueueMessage, RecordMetrics, RecordTrace,
    SendToQueue, Settled, Step, TargetError, TopicInfo, TopicMessage, Unit, What,
};

/// Queues and topics `here` and `here.fifo` exist, others do not.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    values: Mutex<Vec<Value>>,
    steps: Mutex<Vec<Step>>,
    failed: Mutex<Vec<FailedEvent>>,
    messages: Arc<Mutex<Vec<(Arn, QueueMessage)>>>,
    publications: Arc<Mutex<Vec<(Arn, TopicMessage)>>>,
}

#[derive(Debug)]
struct Value {
    source: Arc<MetricSource>,
    name: &'static str,
    value: f64,
}

impl Seen {
    /// All values of a metric under exactly these dimensions, `Name=value` each.
    pub(crate) fn values(&self, name: &str, dimensions: &[&str]) -> Vec<f64> {
        let wanted = |set: &Vec<(&'static str, String)>| {
            set.iter().map(|(name, value)| format!("{name}={value}")).eq(dimensions.iter().copied())
        };
        let values = self.values.lock().unwrap();
        let of = values.iter().filter(|one| one.name == name && one.source.dimensions.iter().any(wanted));
        of.map(|one| one.value).collect()
    }

    /// What happened to a subject.
    pub(crate) fn story(&self, subject: &str) -> Vec<What> {
        let steps = self.steps.lock().unwrap();
        steps.iter().filter(|step| step.subject == subject).map(|step| step.what.clone()).collect()
    }

    /// Events that were given up.
    pub(crate) fn failed(&self) -> Vec<FailedEvent> {
        self.failed.lock().unwrap().clone()
    }

    /// What queues have got.
    pub(crate) fn messages(&self) -> Vec<(Arn, QueueMessage)> {
        self.messages.lock().unwrap().clone()
    }

    /// What topics have got.
    pub(crate) fn publications(&self) -> Vec<(Arn, TopicMessage)> {
        self.publications.lock().unwrap().clone()
    }
}

impl RecordMetrics for Seen {
    fn record(&self, source: &Arc<MetricSource>, _: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let mut seen = self.values.lock().unwrap();
        seen.extend(values.iter().map(|&(name, _, value)| Value { source: source.clone(), name, value }));
    }
}

impl RecordTrace for Seen {
    fn record(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, event: FailedEvent) {
        self.failed.lock().unwrap().push(event);
    }
}

fn fifo(arn: &Arn) -> Option<bool> {
    BTreeMap::from([("here", false), ("here.fifo", true)]).get(arn.resource.as_str()).copied()
}

/// Counts as sent once it is on disk.
fn prepared<T: Clone + Send + 'static>(
    sent: &Arc<Mutex<Vec<(Arn, T)>>>,
    to: &Arn,
    what: T,
) -> Result<Prepared, TargetError> {
    fifo(to).ok_or_else(|| TargetError::NotFound(to.to_string()))?;
    let (sent, to) = (sent.clone(), to.clone());
    Ok(Prepared::new("m".to_owned(), Transaction::new(), move |settled| {
        if settled == Settled::Committed {
            sent.lock().unwrap().push((to, what));
        }
    }))
}

#[async_trait]
impl SendToQueue for Seen {
    async fn queue(&self, queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        Ok(fifo(queue).map(|fifo| QueueInfo { fifo, content_based_deduplication: false }))
    }

    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        prepared(&self.messages, queue, message)
    }
}

#[async_trait]
impl PublishToTopic for Seen {
    async fn topic(&self, topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(fifo(topic).map(|fifo| TopicInfo { fifo }))
    }

    async fn prepare_publication(&self, topic: &Arn, message: TopicMessage) -> Result<Prepared, TargetError> {
        prepared(&self.publications, topic, message)
    }
}
