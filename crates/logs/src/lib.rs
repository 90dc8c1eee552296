//! Amazon CloudWatch Logs: groups, streams, events, and the filter patterns that find them.
//!
//! Owns what is stored of log events and how long. [`CloudWatchLogs`] answers the API and is the [`targets::WriteLogs`]
//! through which functions log: lines go through a bounded queue to one background writer, so that an invocation never
//! waits for its log.

mod background;
mod errors;
mod event;
mod filter_pattern;
mod group;
mod operations;
mod page_token;
mod reader;
mod service;
mod tables;
mod writer;

pub use filter_pattern::{FilterPattern, PatternError};
pub use service::CloudWatchLogs;
