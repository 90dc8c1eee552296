//! Figures on their way to CloudWatch metrics.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use ids::{AccountId, Region};

/// What a service measures. Made once for a resource and kept with it: recording then allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricSource {
    /// Whose figures.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Such as `AWS/Lambda`.
    pub namespace: &'static str,
    /// Each value counts under each of these sets of dimensions, which may be empty (AWS/Lambda: by function, by
    /// resource, and for the whole account).
    pub dimensions: Vec<Vec<(&'static str, String)>>,
}

/// The unit of a value, with CloudWatch's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A duration.
    Milliseconds,
    /// A duration.
    Seconds,
    /// A size.
    Bytes,
    /// A share of a hundred.
    Percent,
    /// Of no unit.
    None,
}

/// Implemented by `cloudwatch`.
pub trait RecordMetrics: Send + Sync + Debug {
    /// Takes values over without waiting: `(metric name, unit, value)`.
    fn record(&self, source: &Arc<MetricSource>, at: Timestamp, values: &[(&'static str, Unit, f64)]);
}

/// What a source's gauges show: `(metric name, unit, value)`.
pub type Sampled = (Arc<MetricSource>, Vec<(&'static str, Unit, f64)>);

/// Implemented by services with figures that are not events but states, such as the depth of a queue. `cloudwatch` asks
/// about once a minute, and whenever somebody wants to know how things stand now; of each minute the last answer counts.
#[async_trait]
pub trait SampleGauges: Send + Sync + Debug {
    /// How things stand now. A source that has been idle for long is left out, as AWS leaves out idle queues.
    async fn sample(&self) -> Vec<Sampled>;
}
