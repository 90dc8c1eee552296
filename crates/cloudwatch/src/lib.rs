//! Amazon CloudWatch metrics: what is measured, for how long it is kept, and what is asked of it.
//!
//! [`CloudWatch`] answers the API and is the [`targets::RecordMetrics`] through which services measure: values are added
//! up in memory and reach the store about a second later, so that nothing waits for its metrics.

mod background;
mod batch;
mod collector;
mod errors;
mod exposition;
mod expression;
mod metric;
mod operations;
mod reader;
mod recorder;
mod resolution;
mod service;
mod statistic;
mod summary;
mod tables;
mod writer;

pub use service::{CloudWatch, CloudWatchParts};
