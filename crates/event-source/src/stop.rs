//! The word that a poller is to come to its end.

use tasks::Tasks;
use tokio_util::sync::CancellationToken;

/// Given by the supervisor, or by the end of the server. Whoever hears it takes no new batch and finishes what runs.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    token: CancellationToken,
    tasks: Tasks,
}

impl Stop {
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self { token: CancellationToken::new(), tasks }
    }

    /// Gives the word.
    pub(crate) fn tell(&self) {
        self.token.cancel();
    }

    /// Completes once the word is given. May be dropped at any time.
    pub(crate) async fn told(&self) {
        tokio::select! {
            () = self.token.cancelled() => {}
            () = self.tasks.shutting_down() => {}
        }
    }

    pub(crate) fn is_told(&self) -> bool {
        self.token.is_cancelled() || self.tasks.is_shutting_down()
    }
}
