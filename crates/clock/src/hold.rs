//! What virtual time waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// While there is one, virtual time does not move on. Dropping it lets go.
#[derive(Debug, Default)]
#[must_use = "dropped at once, it holds nothing"]
pub struct Hold(Option<Arc<Activity>>);

impl Hold {
    /// Holds nothing: what real time gives.
    pub const fn none() -> Self {
        Self(None)
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        match &self.0 {
            Some(activity) => activity.hold(),
            None => Self(None),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(activity) = &self.0
            && activity.holds.fetch_sub(1, Ordering::AcqRel) == 1
        {
            activity.released.notify_waiters();
        }
    }
}

/// Counts the holds.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    holds: AtomicUsize,
    released: Notify,
}

impl Activity {
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.holds.fetch_add(1, Ordering::AcqRel);
        Hold(Some(self.clone()))
    }

    /// Completes when nothing is held.
    pub(crate) async fn quiet(&self) {
        loop {
            // Made before looking: it hears of every release from here on.
            let released = self.released.notified();
            if self.holds.load(Ordering::Acquire) == 0 {
                return;
            }
            released.await;
        }
    }
}
