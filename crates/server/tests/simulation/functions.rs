//! Functions without a sandbox: they do what their event tells them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::{Clock, VirtualClock};
use delivery::{Attempt, Delivery, Event, EventSettings, FunctionResult, Functions};
use ids::{Arn, FunctionArn, IdSource};
use serde_json::Value;
use simulator::attempted;
use targets::{FunctionEvent, InvokeFunction, MetricSource, Prepared, TargetError};

/// What a run of a function has done to the world outside, which survives the server.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<BTreeMap<String, u32>>);

impl Runs {
    /// How often the event of this number was attempted.
    pub(crate) fn of(&self, number: &str) -> u32 {
        self.0.lock().unwrap().get(number).copied().unwrap_or(0)
    }

    fn count(&self, number: &str) -> u32 {
        let mut runs = self.0.lock().unwrap();
        let count = runs.entry(number.to_owned()).or_default();
        *count += 1;
        *count
    }
}

/// One function `f`, with a dead-letter queue and both destinations.
pub(crate) struct FakeFunctions {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) delivery: Delivery,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) metrics: Arc<MetricSource>,
    pub(crate) arn: fn(&str, &str) -> Arn,
}

impl std::fmt::Debug for FakeFunctions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeFunctions")
    }
}

/// What an event wants: its number, and whether the function fails it for ever.
pub(crate) fn read(payload: &[u8]) -> (String, bool) {
    let document: Value = serde_json::from_slice(payload).unwrap();
    // A notification carries what was published.
    let document = match document["Records"][0]["Sns"]["Message"].as_str() {
        Some(message) => serde_json::from_str(message).unwrap(),
        None => document,
    };
    (document["n"].as_str().unwrap().to_owned(), document["fails"].as_bool().unwrap())
}

#[async_trait]
impl Functions for FakeFunctions {
    async fn event_settings(&self, _event: &Event) -> Result<Option<EventSettings>, String> {
        Ok(Some(EventSettings {
            maximum_retry_attempts: 2,
            maximum_event_age: Duration::from_secs(21_600),
            on_success: Some((self.arn)("sqs", "successes")),
            on_failure: Some((self.arn)("sqs", "failures")),
            dead_letter: Some((self.arn)("sqs", "dead")),
            is_switched_off: false,
            metrics: self.metrics.clone(),
        }))
    }

    async fn attempt(&self, event: &Event) -> Attempt {
        tokio::task::yield_now().await;
        match self.ids.bits() % 10 {
            0 => return Attempt::Throttled,
            1 => return Attempt::SystemError("no room".to_owned()),
            _ => {}
        }
        let (number, fails) = read(&event.payload);
        let run = self.runs.count(&number);
        let error = fails.then(|| ("Oops".to_owned(), format!("run {run}")));
        Attempt::Ran(Box::new(FunctionResult {
            attempted: attempted(error.clone()),
            executed_version: "$LATEST".to_owned(),
            payload: Bytes::from(Value::String(number).to_string()),
            error,
        }))
    }
}

#[async_trait]
impl InvokeFunction for FakeFunctions {
    async fn function_exists(&self, _function: &FunctionArn) -> Result<bool, TargetError> {
        Ok(true)
    }

    async fn prepare_event(
        &self,
        function: &FunctionArn,
        event: FunctionEvent,
    ) -> Result<Prepared, TargetError> {
        let accepted = Event {
            id: self.ids.request_id(),
            function: function.clone(),
            payload: event.payload,
            trace_header: event.trace_header,
            accepted: self.clock.now(),
            failures: 0,
        };
        Ok(self.delivery.prepare(accepted, event.source, event.from, &self.metrics))
    }
}
