//! What a queue is like.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::{CommitError, StoreError};

/// Names a queue's messages in the store. A queue that is deleted and made again has another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueId(pub String);

/// How a queue behaves. Whoever opens it brings this along; it is not stored here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The queue's ARN, for messages that go on to a dead-letter queue, and for those who watch.
    pub arn: String,
    /// Order and deduplication; `None` for a standard queue.
    pub fifo: Option<Fifo>,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a new message stays hidden.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// Where messages go that were received too often.
    pub dead_letter: Option<DeadLetter>,
}

/// A FIFO queue's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fifo {
    /// A message without a deduplication id gets the SHA-256 of its body.
    pub content_based_deduplication: bool,
    /// Among which messages duplicates are looked for.
    pub deduplication_scope: DeduplicationScope,
    /// What the rate of requests is limited for.
    pub throughput_limit: ThroughputLimit,
}

/// Among which messages duplicates are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeduplicationScope {
    /// All of the queue.
    Queue,
    /// Those of the same group.
    MessageGroup,
}

/// What the rate of requests to a FIFO queue is limited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThroughputLimit {
    /// The whole queue.
    PerQueue,
    /// Each group (high throughput).
    PerMessageGroupId,
}

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The queue, which must be open.
    pub queue: QueueId,
    /// How often a message is handed out before it goes there.
    pub max_receive_count: u32,
}

/// A request to a queue that was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] CommitError),
    /// Too many messages are in flight.
    #[error("too many messages are in flight")]
    OverLimit,
    /// The receipt is not one of this queue.
    #[error("the receipt is not one of this queue")]
    InvalidReceipt,
    /// The receipt was good once.
    #[error("the receipt has expired")]
    ReceiptExpired,
    /// The message is not in flight.
    #[error("the message is not in flight")]
    NotInFlight,
    /// A message would be hidden for more than 12 hours since it was received.
    #[error("the total visibility timeout is beyond 12 hours")]
    VisibilityTooLong,
    /// The queue has been removed.
    #[error("the queue has been removed")]
    Removed,
    /// A FIFO message without a group.
    #[error("a message group id is required")]
    GroupRequired,
    /// A FIFO message that deduplication cannot work for.
    #[error("a deduplication id is required")]
    DeduplicationRequired,
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}
