//! What is asked of the service that has the functions.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ids::Arn;
use targets::{Attempted, MetricSource};

use crate::Event;

/// How a function wants its events handled: its `FunctionEventInvokeConfig` and dead-letter queue.
#[derive(Debug, Clone)]
pub struct EventSettings {
    /// After a function error, 0 to 2.
    pub maximum_retry_attempts: u32,
    /// An older event is given up.
    pub maximum_event_age: Duration,
    /// Where the record of a success goes.
    pub on_success: Option<Arn>,
    /// Where the record of a failure goes.
    pub on_failure: Option<Arn>,
    /// Where a failed event itself goes.
    pub dead_letter: Option<Arn>,
    /// Its reserved concurrency is zero: nothing is attempted.
    pub is_switched_off: bool,
    /// Where its figures count.
    pub metrics: Arc<MetricSource>,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Attempt {
    /// The function ran.
    Ran(Box<FunctionResult>),
    /// There was no concurrency left for it.
    Throttled,
    /// It could not be run: ours or the host's fault.
    SystemError(String),
    /// It has been through this function too often: a loop.
    LoopStopped,
    /// The function, or the version or alias, is gone.
    Gone,
}

/// What a function made of an event.
#[derive(Debug)]
pub struct FunctionResult {
    /// For the story of the event; its number is filled in by the caller.
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
    /// How this function, version or alias wants its events handled; `None` when it is gone.
    async fn event_settings(&self, event: &Event) -> Result<Option<EventSettings>, String>;

    /// Runs the function once.
    async fn attempt(&self, event: &Event) -> Attempt;
}
