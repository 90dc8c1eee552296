//! Amazon CloudWatch metrics: what is measured, for how long it is kept, and what is asked of it.
//!
//! [`CloudWatch`] answers the API and is the [`targets::RecordMetrics`] through which services measure: values are added
//! up in memory and reach the store about a second later, so that nothing waits for its metrics.

mod operations;
mod service;

pub use service::{CloudWatch, CloudWatchParts};
