//! Where queues and streams are found.

use std::fmt::Debug;

use async_trait::async_trait;
use ids::Arn;
use targets::TargetError;

/// Implemented by `sqs`.
#[async_trait]
pub trait FindQueue: Send + Sync + Debug {
    /// The queue with this ARN, open; `None` when there is none.
    async fn queue(&self, arn: &Arn) -> Result<Option<queue::Queue>, TargetError>;
}

/// Implemented by `kinesis`.
#[async_trait]
pub trait FindStream: Send + Sync + Debug {
    /// The stream with this ARN, or whose consumer has it, open; `None` when there is none.
    async fn stream(&self, arn: &Arn) -> Result<Option<stream::Stream>, TargetError>;

    /// Completes once there is no consumer with this ARN any more, though the stream may be there; for the ARN of a
    /// stream, never. May be dropped at any time.
    async fn deregistered(&self, _arn: &Arn) {
        std::future::pending().await
    }
}
