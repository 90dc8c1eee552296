//! What is told and counted of events.

use std::sync::Arc;

use clock::Timestamp;
use ids::FunctionArn;
use targets::{MetricSource, Step, Unit, What};

use crate::Event;
use crate::engine::Engine;

impl Engine {
    /// Tells what happened to an event.
    pub(crate) fn tell(&self, event: &Event, what: impl FnOnce() -> What) {
        if self.parts.trace.is_overloaded() {
            return;
        }
        self.parts.trace.record(Step {
            at: self.now(),
            account: event.function.account.clone(),
            region: event.function.region.clone(),
            subject: event.id.to_string(),
            resource: event.function.to_string(),
            what: what(),
        });
    }

    /// Counts one.
    pub(crate) fn count(&self, metric: &'static str, metrics: &Arc<MetricSource>) {
        self.parts.metrics.record(metrics, self.now(), &[(metric, Unit::Count, 1.0)]);
    }

    /// How long after it was accepted an event is attempted.
    pub(crate) fn count_age(&self, event: &Event, metrics: &Arc<MetricSource>, now: Timestamp) {
        let age_ms = now.saturating_since(event.accepted).as_secs_f64() * 1e3;
        self.parts.metrics.record(metrics, now, &[("AsyncEventAge", Unit::Milliseconds, age_ms)]);
    }
}

/// Where the figures of a function count that nobody knows any more. Source: AWS Lambda developer guide, "Types of
/// metrics for Lambda functions".
pub(crate) fn metric_source(function: &FunctionArn) -> Arc<MetricSource> {
    let name = || ("FunctionName", function.name.clone());
    let resource = match &function.qualifier {
        Some(qualifier) => format!("{}:{qualifier}", function.name),
        None => function.name.clone(),
    };
    Arc::new(MetricSource {
        account: function.account.clone(),
        region: function.region.clone(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![], vec![name()], vec![name(), ("Resource", resource)]],
    })
}
