//! Log lines on their way to CloudWatch Logs.

use std::fmt::Debug;
use std::sync::Arc;

use clock::Timestamp;
use ids::{AccountId, Region};

/// Where lines go. The group and the stream are made when they do not exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogStream {
    /// Whose logs.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// Such as `/aws/lambda/NAME`.
    pub group: String,
    /// Such as `2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef`.
    pub stream: String,
}

/// One event of a log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub timestamp: Timestamp,
    /// Its text.
    pub message: String,
}

/// Implemented by `logs`.
pub trait WriteLogs: Send + Sync + Debug {
    /// Takes lines over without waiting: they reach the store through a bounded queue. What does not fit is
    /// counted, and said in the log itself.
    fn write(&self, stream: &Arc<LogStream>, lines: Vec<LogLine>);
}
