//! What nobody waits for; all of it survives a restart.

pub(crate) mod delivery;
pub(crate) mod publication;

use std::sync::{Mutex, MutexGuard, PoisonError};

use clock::{Hold, SharedClock};
use tokio::sync::Notify;

/// Tells a background job that there is something to do.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    notify: Notify,
    /// Keeps virtual time until the job has taken notice.
    hold: Mutex<Option<Hold>>,
}

impl Bell {
    /// To be called after the commit of what there is to do.
    pub(crate) fn wake(&self, clock: &SharedClock) {
        self.lock().get_or_insert_with(|| clock.hold());
        self.notify.notify_one();
    }

    /// Completes when there is something to do. Virtual time stands still as long as the hold lives.
    pub(crate) async fn wait(&self) -> Option<Hold> {
        self.notify.notified().await;
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Hold>> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
