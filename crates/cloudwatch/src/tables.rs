//! What is stored of metrics and their values, and under which keys.

mod metrics;
mod points;

pub(crate) use metrics::{METRICS, MetricRow, metric_of, metric_parts};
pub(crate) use points::{POINTS, PointKey, series_from};
