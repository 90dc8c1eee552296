//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use async_trait::async_trait;
use clock::SharedClock;
use ids::{Arn, IdSource};
use queue::Queues;
use store::SharedStore;
use targets::{
    Prepared, QueueInfo, QueueMessage, RecordMetrics, RecordTrace, SampleGauges, Sampled, SendToQueue,
    TargetError,
};
use tasks::Tasks;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct SqsParts {
    /// Where state lies. This process must be the only one that writes SQS's tables.
    pub store: SharedStore,
    /// Keeps the messages.
    pub queues: Queues,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws ids.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Counts messages.
    pub metrics: Arc<dyn RecordMetrics>,
    /// Tells their story.
    pub trace: Arc<dyn RecordTrace>,
}

/// Amazon SQS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqs {
    pub(crate) inner: Arc<SqsParts>,
}

impl Sqs {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: SqsParts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// Goes on with the message move tasks that are under way.
    pub fn start(&self) {}

    /// The queue with this ARN, open: for those who receive from it within this process.
    ///
    /// # Errors
    /// [`TargetError::Unavailable`] when the store fails.
    pub async fn queue_by_arn(&self, _arn: &Arn) -> Result<Option<queue::Queue>, TargetError> {
        Err(not_there_yet())
    }
}

#[async_trait]
impl SendToQueue for Sqs {
    async fn queue(&self, _queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        Err(not_there_yet())
    }

    async fn prepare_message(&self, _queue: &Arn, _message: QueueMessage) -> Result<Prepared, TargetError> {
        Err(not_there_yet())
    }
}

#[async_trait]
impl SampleGauges for Sqs {
    async fn sample(&self) -> Vec<Sampled> {
        Vec::new()
    }
}

fn not_there_yet() -> TargetError {
    TargetError::Unavailable("SQS is not there yet".to_owned())
}
