//! Supervised background work.
//!
//! Every task has a name, is counted, hears of the shutdown, and is waited for. `tokio::spawn` is a clippy
//! error everywhere else.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Spawns tasks that end together. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl Tasks {
    /// A set with no task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` in the background under `name`. It may run on after the shutdown was announced: it must
    /// watch [`Tasks::shutting_down`] itself where it would otherwise never end.
    pub fn spawn<F>(&self, name: &'static str, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(work.instrument(tracing::debug_span!("task", name)))
    }

    /// Runs `work` in the background until it ends or the shutdown is announced, whichever comes first.
    pub fn spawn_until_shutdown<F>(&self, name: &'static str, work: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.spawn(name, async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = work => {}
            }
        })
    }

    /// Runs blocking work (file access, unpacking) on a thread made for it.
    pub fn blocking<F, R>(&self, work: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.tracker.spawn_blocking(work)
    }

    /// Completes once the shutdown is announced.
    pub async fn shutting_down(&self) {
        self.shutdown.cancelled().await;
    }

    /// Whether the shutdown has been announced.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Announces the shutdown without waiting.
    pub fn announce_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Announces the shutdown and waits until every task has ended.
    pub async fn drain(&self) {
        self.shutdown.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn drain_waits_for_every_task() {
        let tasks = Tasks::new();
        let inner = tasks.clone();
        let work = tasks.spawn("work", async move {
            inner.shutting_down().await;
            7
        });
        let forever = tasks.spawn_until_shutdown("forever", std::future::pending());
        tasks.drain().await;
        assert_eq!(work.await.ok(), Some(7));
        assert!(forever.is_finished());
    }
}
