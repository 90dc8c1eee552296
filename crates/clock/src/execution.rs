//! Real time, for what a running function consumes.
#![expect(clippy::disallowed_methods, reason = "this is where execution time comes from")]

use std::future::Future;
use std::time::{Duration, Instant};

/// Measures a stretch of execution time.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Real time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The limit of [`execution_timeout`] passed before the future completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionTimeout;

/// Waits for `duration` of real time.
pub async fn execution_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Runs `future` for at most `limit` of real time.
///
/// # Errors
/// [`ExecutionTimeout`] when the limit passed first; the future is dropped.
pub async fn execution_timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, ExecutionTimeout> {
    tokio::time::timeout(limit, future).await.map_err(|_| ExecutionTimeout)
}
