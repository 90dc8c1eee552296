//! What is asked of the service that has the functions.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ids::{Arn, FunctionArn};
use targets::{Attempted, MetricSource};

/// What a poller must know of a function.
#[derive(Debug, Clone)]
pub struct FunctionInfo {
    /// How long it may run: how long a message must stay hidden at least.
    pub timeout: Duration,
    /// The ARN of the role that the poller acts as.
    pub role: String,
    /// Where `IteratorAge` counts.
    pub metrics: Arc<MetricSource>,
}

/// The largest event that a function is invoked with.
pub(crate) const EVENT_BYTES_MAX: usize = 6 << 20;

/// An invocation with a batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// As the mapping names it.
    pub function: FunctionArn,
    /// The event: a JSON document of at most 6 MB.
    pub payload: Bytes,
    /// Where the records come from.
    pub source: Arn,
    /// The traces that records of the batch belong to (`AWSTraceHeader`).
    pub trace_headers: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub enum Invoked {
    /// The function ran.
    Ran(Box<Ran>),
    /// There was no concurrency left for it.
    Throttled,
    /// It could not be run: ours or the host's fault, or the function is not ready.
    SystemError(String),
    /// One of the traces has been through this function too often: a loop. Nothing was run.
    LoopStopped {
        /// Which of `trace_headers`.
        headers: Vec<String>,
    },
    /// The function, or the version or alias, is gone.
    Gone,
}

/// What a function made of a batch.
#[derive(Debug)]
pub struct Ran {
    /// The invocation's id.
    pub request_id: String,
    /// For the story of the batch; its number is filled in by the caller.
    pub attempted: Attempted,
    /// The version that ran, such as `$LATEST`.
    pub executed_version: String,
    /// The response, or the error document.
    pub payload: Bytes,
    /// The error's type and message, if it failed.
    pub error: Option<(String, String)>,
}

/// Implemented by `lambda`.
#[async_trait]
pub trait Functions: Send + Sync + Debug {
    /// The function, version or alias; `None` when it is gone.
    async fn function(&self, function: &FunctionArn) -> Result<Option<FunctionInfo>, String>;

    /// Runs the function once.
    async fn invoke(&self, batch: Batch) -> Invoked;
}
