//! Writes what was recorded.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use tasks::Tasks;

use crate::service::Inner;

/// How long a value may be in memory only: it bounds what a crash can lose.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// Runs until the shutdown is announced. A write that has begun is finished: what it holds is nowhere else.
pub(crate) async fn run(inner: Arc<Inner>, tasks: Tasks) {
    while !tasks.is_shutting_down() {
        let due = async {
            inner.recorder.waiting.notified().await;
            execution_sleep(FLUSH_AFTER).await;
        };
        tokio::select! {
            () = due => inner.flush().await,
            () = tasks.shutting_down() => {}
        }
    }
}
