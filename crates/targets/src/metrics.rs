//! Figures on their way to CloudWatch metrics.

use std::fmt::Debug;
use std::sync::Arc;

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
