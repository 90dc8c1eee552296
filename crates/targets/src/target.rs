//! Who accepts messages and events, by ARN.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use ids::{Arn, FunctionArn};

use crate::{FunctionEvent, Prepared, QueueMessage, TargetError, TopicMessage};

/// What others must know of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueInfo {
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// Whether a FIFO queue makes deduplication ids out of bodies.
    pub content_based_deduplication: bool,
}

/// What others must know of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Whether it is a FIFO topic.
    pub fifo: bool,
}

/// Implemented by `sqs`.
#[async_trait]
pub trait SendToQueue: Send + Sync + Debug {
    /// What kind of queue this is; `None` when there is none.
    async fn queue(&self, queue: &Arn) -> Result<Option<QueueInfo>, TargetError>;

    /// What is to be written to have `message` in the queue.
    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError>;
}

/// Implemented by `sns`.
#[async_trait]
pub trait PublishToTopic: Send + Sync + Debug {
    /// What kind of topic this is; `None` when there is none.
    async fn topic(&self, topic: &Arn) -> Result<Option<TopicInfo>, TargetError>;

    /// What is to be written to have `message` on its way to all subscribers.
    async fn prepare_publication(&self, topic: &Arn, message: TopicMessage) -> Result<Prepared, TargetError>;
}

/// Implemented by `lambda`.
#[async_trait]
pub trait InvokeFunction: Send + Sync + Debug {
    /// Whether there is such a function, and such a version or alias of it.
    async fn function_exists(&self, function: &FunctionArn) -> Result<bool, TargetError>;

    /// What is to be written to have `event` run asynchronously.
    async fn prepare_event(
        &self,
        function: &FunctionArn,
        event: FunctionEvent,
    ) -> Result<Prepared, TargetError>;
}

/// One of each.
#[derive(Debug)]
pub struct Ports {
    /// SQS.
    pub queues: Arc<dyn SendToQueue>,
    /// SNS.
    pub topics: Arc<dyn PublishToTopic>,
    /// Lambda.
    pub functions: Arc<dyn InvokeFunction>,
}

/// All targets. Services that are each other's target are built before it is filled. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Targets(Arc<OnceLock<Ports>>);

impl Targets {
    /// Fills the ports; `server` does so once, before anything runs. What is filled stays.
    pub fn fill(&self, ports: Ports) {
        let _filled_before = self.0.set(ports);
    }

    /// SQS.
    ///
    /// # Errors
    /// [`TargetError::Unavailable`] before the ports are filled.
    pub fn queues(&self) -> Result<&dyn SendToQueue, TargetError> {
        self.ports().map(|ports| &*ports.queues)
    }

    /// SNS.
    ///
    /// # Errors
    /// [`TargetError::Unavailable`] before the ports are filled.
    pub fn topics(&self) -> Result<&dyn PublishToTopic, TargetError> {
        self.ports().map(|ports| &*ports.topics)
    }

    /// Lambda.
    ///
    /// # Errors
    /// [`TargetError::Unavailable`] before the ports are filled.
    pub fn functions(&self) -> Result<&dyn InvokeFunction, TargetError> {
        self.ports().map(|ports| &*ports.functions)
    }

    fn ports(&self) -> Result<&Ports, TargetError> {
        self.0.get().ok_or_else(|| TargetError::Unavailable("the server is starting".to_owned()))
    }
}
