//! What became of messages, for CloudWatch's metrics and for those who follow a message.

use std::sync::Arc;

use clock::Timestamp;
use targets::{MetricSource, Step, Unit, What};

use crate::Sns;
use crate::tables::delivery::Delivery;
use crate::topic::TopicKey;
use crate::topics::Topic;

/// What became of a message at one subscription, or altogether.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was accepted from its publisher.
    Accepted { by: String, from: Option<String>, size_bytes: usize },
    /// The endpoint has it.
    Sent { to: String, id: String },
    /// It is on its way.
    Pending,
    /// It is tried again.
    Waits { until: Timestamp, reason: String },
    /// The subscription does not want it; the metrics say why.
    FilteredOut(&'static [&'static str]),
    /// The endpoint will not have it.
    Failed { to: String, reason: String },
    /// The dead-letter queue has it.
    Redriven { to: String, id: String },
    /// The dead-letter queue will not have it.
    NotRedriven { to: String, reason: String },
    /// No subscription waits for it any more.
    Ended,
}

impl Fate {
    pub(crate) fn sent(delivery: &Delivery, id: &str) -> Self {
        Self::Sent { to: delivery.endpoint.clone(), id: id.to_owned() }
    }

    pub(crate) fn failed(delivery: &Delivery, reason: &str) -> Self {
        Self::Failed { to: delivery.endpoint.clone(), reason: reason.to_owned() }
    }

    pub(crate) fn redriven(delivery: &Delivery, id: &str) -> Self {
        Self::Redriven { to: queue_of(delivery), id: id.to_owned() }
    }

    pub(crate) fn not_redriven(delivery: &Delivery, reason: &str) -> Self {
        Self::NotRedriven { to: queue_of(delivery), reason: reason.to_owned() }
    }

    /// The metrics of AWS/SNS that count it (developer guide, "Monitoring Amazon SNS topics using CloudWatch").
    fn count(&self, metrics: &mut Vec<(&'static str, Unit, f64)>) {
        let name = match self {
            Self::Accepted { size_bytes, .. } => {
                let size = u32::try_from(*size_bytes).unwrap_or(u32::MAX);
                metrics.push(("PublishSize", Unit::Bytes, f64::from(size)));
                "NumberOfMessagesPublished"
            }
            Self::Sent { .. } => "NumberOfNotificationsDelivered",
            Self::FilteredOut(reasons) => {
                metrics.extend(reasons.iter().map(|reason| (*reason, Unit::Count, 1.0)));
                "NumberOfNotificationsFilteredOut"
            }
            Self::Failed { .. } => "NumberOfNotificationsFailed",
            Self::Redriven { .. } => "NumberOfNotificationsRedrivenToDlq",
            Self::NotRedriven { .. } => "NumberOfNotificationsFailedToRedriveToDlq",
            Self::Pending | Self::Waits { .. } | Self::Ended => return,
        };
        metrics.push((name, Unit::Count, 1.0));
    }

    /// How it reads in a message's story.
    fn tell(self) -> Option<What> {
        let (subscription, queue) = ("subscription".to_owned(), "dead-letter queue".to_owned());
        Some(match self {
            Self::Accepted { by, from, size_bytes } => {
                What::Accepted { by, from, size_bytes: size_bytes as u64 }
            }
            Self::Waits { until, reason } => What::Waits { until, reason },
            Self::Sent { to, id } => What::Sent { to, role: subscription, id },
            Self::Failed { to, reason } => What::NotSent { to, role: subscription, reason },
            Self::Redriven { to, id } => What::Sent { to, role: queue, id },
            Self::NotRedriven { to, reason } => What::NotSent { to, role: queue, reason },
            Self::Ended => What::Ended { condition: "Success".to_owned() },
            Self::Pending | Self::FilteredOut(_) => return None,
        })
    }
}

fn queue_of(delivery: &Delivery) -> String {
    delivery.dead_letter.as_ref().map(|dead_letter| dead_letter.queue.clone()).unwrap_or_default()
}

/// What is told of a message once it is true.
#[derive(Debug)]
pub(crate) struct Note {
    topic: TopicKey,
    metrics: Arc<MetricSource>,
    message_id: String,
    fate: Fate,
}

impl Note {
    pub(crate) fn new(topic: &Topic, message_id: &str, fate: Fate) -> Self {
        let (key, metrics) = (topic.key.clone(), topic.metrics.clone());
        Self { topic: key, metrics, message_id: message_id.to_owned(), fate }
    }

    /// Of a delivery, whose topic may be gone by now.
    pub(crate) fn of_delivery(topic: &TopicKey, message_id: &str, fate: Fate) -> Self {
        let metrics = Arc::new(metric_source(topic));
        Self { topic: topic.clone(), metrics, message_id: message_id.to_owned(), fate }
    }

    /// Of a delivery that is tried again.
    pub(crate) fn waits(topic: &TopicKey, message_id: &str, until: Timestamp, reason: String) -> Self {
        Self::of_delivery(topic, message_id, Fate::Waits { until, reason })
    }

    /// Whether it says that this message is on its way.
    pub(crate) fn is_pending(&self, message_id: &str) -> bool {
        self.message_id == message_id && matches!(self.fate, Fate::Pending)
    }
}

/// Where a topic's figures go.
pub(crate) fn metric_source(topic: &TopicKey) -> MetricSource {
    MetricSource {
        account: topic.account.clone(),
        region: topic.region.clone(),
        namespace: "AWS/SNS",
        dimensions: vec![vec![("TopicName", topic.name.clone())]],
    }
}

/// Counts what happened to messages, and adds it to their stories.
pub(crate) fn tell(sns: &Sns, notes: Vec<Note>) {
    let now = sns.parts.clock.now();
    let mut metrics = Vec::new();
    for note in notes {
        metrics.clear();
        note.fate.count(&mut metrics);
        if !metrics.is_empty() {
            sns.parts.metrics.record(&note.metrics, now, &metrics);
        }
        if sns.parts.trace.is_overloaded() {
            continue;
        }
        if let Some(what) = note.fate.tell() {
            sns.parts.trace.record(Step {
                at: now,
                account: note.topic.account.clone(),
                region: note.topic.region.clone(),
                subject: note.message_id,
                resource: note.topic.arn(),
                what,
            });
        }
    }
}
