//! What an invocation consumed, on its way to the bill.

use std::fmt::Debug;
use std::time::Duration;

use clock::Timestamp;
use ids::FunctionArn;

/// What one invocation consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The version that ran: the qualifier is `$LATEST` or a number.
    pub function: FunctionArn,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// When it ran.
    pub at: Timestamp,
    /// What is billed, in whole milliseconds; includes the initialization.
    pub billed: Duration,
    /// The memory that is billed, in MiB.
    pub memory_mb: u32,
    /// The size of `/tmp`, in MiB; 512 are free.
    pub tmp_mb: u32,
    /// Whether it ran on provisioned concurrency, which has a price of its own.
    pub provisioned: bool,
}

/// Implemented by `metering`.
pub trait RecordUsage: Send + Sync + Debug {
    /// Takes a record over without waiting.
    fn record(&self, usage: Usage);
}
