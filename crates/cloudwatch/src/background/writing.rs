//! Writes what was recorded.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;

use crate::service::Inner;

/// How long a value may be in memory only: it bounds what a crash can lose.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        inner.recorder.waiting.notified().await;
        execution_sleep(FLUSH_AFTER).await;
        inner.flush().await;
    }
}
