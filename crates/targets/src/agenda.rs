//! What will happen when, for those who turn the clock.

use std::fmt::Debug;

use async_trait::async_trait;
use clock::Timestamp;
use serde::Serialize;

/// Something that is done once its time has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What, in a few words: `retry of an event`, `visibility timeout ends`.
    pub what: String,
    /// Whose: the ARN of a function, a queue, a subscription.
    pub resource: String,
    /// The request or message id.
    pub id: String,
}

/// Implemented by whatever keeps durable waits.
#[async_trait]
pub trait Agenda: Send + Sync + Debug {
    /// The first `limit` of its waits, by their time.
    async fn due(&self, limit: usize) -> Vec<Due>;
}
