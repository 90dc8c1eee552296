//! What is on its way: over HTTP, or to a queue or function that could not accept it at first.

use serde::{Deserialize, Serialize};
use store::Table;
use targets::Attributes;

use crate::delivery_policy::RetryPolicy;
use crate::topic::TopicKey;

/// By the message's id and the subscription's.
pub(crate) static DELIVERIES: Table<Delivery> = Table::of_large_records("sns-delivery");

/// When: by the moment, the message's id and the subscription's.
pub(crate) static DUE: Table<Attempts> = Table::new("sns-due");

/// How often it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts(pub(crate) u32);

/// A message on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) topic: TopicKey,
    pub(crate) subscription_arn: String,
    pub(crate) endpoint: String,
    /// `Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub(crate) kind: String,
    pub(crate) content: Content,
    pub(crate) retries: RetryPolicy,
    /// Where it goes when it cannot be delivered.
    pub(crate) dead_letter: Option<DeadLetter>,
    /// The trace it belongs to.
    pub(crate) trace_header: Option<String>,
}

/// What the endpoint gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    /// A POST.
    Http {
        content_type: String,
        /// Whether it is the message itself.
        raw: bool,
        body: String,
    },
    /// A message for a queue.
    Queue(QueueContent),
    /// An event for a function.
    Function { payload: String },
}

/// A message for a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueContent {
    pub(crate) body: String,
    pub(crate) attributes: Attributes,
    pub(crate) group_id: Option<String>,
    pub(crate) deduplication_id: Option<String>,
}

/// What a subscription's dead-letter queue gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadLetter {
    /// The queue's ARN.
    pub(crate) queue: String,
    /// `None`: what the endpoint, itself a queue, should have got.
    pub(crate) content: Option<QueueContent>,
}
