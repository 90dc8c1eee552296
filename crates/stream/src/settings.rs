//! What a stream is like.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::{CommitError, StoreError};

/// Names a stream's records in the store. A stream that is deleted and made again has another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub String);

/// How a stream behaves. Whoever opens it brings this along; it is not stored here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stream's ARN.
    pub arn: String,
    /// How long a record is kept.
    pub retention: Duration,
}

/// A request to a stream that was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StreamError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] CommitError),
    /// There is no such shard, or not any more.
    #[error("there is no such shard")]
    NoShard,
    /// The shard takes no records any more: it was split or merged.
    #[error("the shard is closed")]
    Closed,
    /// Two shards that are not neighbours, or a key outside of the shard.
    #[error("the hash keys do not fit")]
    HashKey,
    /// The stream was deleted.
    #[error("the stream was deleted")]
    Removed,
}

impl From<StoreError> for StreamError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}
