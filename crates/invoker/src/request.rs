//! An invocation and what came of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ids::{FunctionArn, RequestId};
use runtime_api::StreamPart;
use targets::LogStream;
use tokio::sync::mpsc;

use crate::{Observe, SharedFunction};

/// One invocation.
#[derive(Debug)]
pub struct Invocation {
    /// Its id, the same through all retries.
    pub request_id: RequestId,
    /// The version to run.
    pub function: SharedFunction,
    /// The ARN as the caller addressed it, with its qualifier if it had one.
    pub invoked_arn: FunctionArn,
    /// The event.
    pub payload: Bytes,
    /// The decoded client context, a JSON document.
    pub client_context: Option<String>,
    /// The `X-Amzn-Trace-Id` to hand on.
    pub trace_id: Option<String>,
    /// Wants the last 4 KiB of its log.
    pub tail_log: bool,
    /// The reserved concurrency of the whole function, if it has one.
    pub reserved_concurrency: Option<u32>,
    /// Where to send the response while the function writes it, instead of collecting it.
    pub stream: Option<mpsc::Sender<StreamPart>>,
    /// Hears how it goes.
    pub observer: Option<Arc<dyn Observe>>,
}

/// What came of an invocation that was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The response, or the error document.
    pub payload: Bytes,
    /// Set when the function failed.
    pub error: Option<FunctionError>,
    /// The last 4 KiB of the log, when asked for.
    pub log_tail: Option<Bytes>,
    /// Where its log lines are.
    pub log_stream: Arc<LogStream>,
    /// What it consumed.
    pub report: Report,
}

/// How a function failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Such as `Runtime.ExitError` or the exception's name.
    pub error_type: String,
    /// What went wrong.
    pub message: String,
}

/// What an invocation consumed: the figures of its REPORT line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// From the event's delivery to the response.
    pub duration: Duration,
    /// What is billed, a whole number of milliseconds.
    pub billed: Duration,
    /// How long the environment took to initialize, when this was its first invocation.
    pub init: Option<Duration>,
    /// The most memory that was used, in MiB.
    pub memory_used_mb: u32,
    /// Whether the environment came out of a pool.
    pub pooled: bool,
    /// Whether it ran on provisioned concurrency.
    pub provisioned: bool,
}

/// An invocation that did not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// There is no concurrency left.
    #[error("Rate Exceeded.")]
    Throttled(ThrottleReason),
    /// The environment could not be made: ours or the host's fault.
    #[error("{0}")]
    Internal(String),
}

/// Why an invocation was throttled, in AWS's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottleReason {
    /// The account's concurrency is used up.
    ConcurrentInvocationLimitExceeded,
    /// The function's reserved concurrency is used up.
    ReservedFunctionConcurrentInvocationLimitExceeded,
    /// The host has no room for another environment.
    HostCapacityExceeded,
}
