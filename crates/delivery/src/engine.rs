//! What all work on the queue shares.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use clock::{Timestamp, execution_sleep};
use store::{CommitError, Transaction};
use tokio::sync::Notify;

use crate::head::Head;
use crate::row::Row;
use crate::work::Work;
use crate::{DeliveryParts, Functions, attempt};

/// The pauses between attempts to reach a store that does not answer, in execution time.
const STORE_PAUSE_MIN: Duration = Duration::from_millis(20);
const STORE_PAUSE_MAX: Duration = Duration::from_secs(2);
/// Why a commit is made again.
pub(crate) const COMMIT_LOST: &str = "the reply to a commit was lost";

pub(crate) struct Engine {
    pub(crate) parts: DeliveryParts,
    functions: OnceLock<Arc<dyn Functions>>,
    head: Mutex<Head>,
    /// There are rows to be read, or timers to be set.
    pub(crate) keeper: Notify,
}

/// How a commit about an event ended.
#[derive(Debug)]
pub(crate) enum Committed {
    /// It is on disk. `heard` when the store said so itself; otherwise the event's row is gone, by this commit or by an
    /// earlier one that was lost.
    Applied { heard: bool },
    /// An earlier one, which was lost, is on disk, and this one is not.
    AppliedBefore,
    /// It is not on disk, but may be at any time: the reply was lost.
    Lost,
    /// It was not applied.
    Refused(CommitError),
    /// The server is shutting down before that could be found out.
    Unknown,
}

impl Engine {
    pub(crate) fn new(parts: DeliveryParts) -> Self {
        Self { parts, functions: OnceLock::new(), head: Mutex::default(), keeper: Notify::new() }
    }

    /// `false` when it was started before.
    pub(crate) fn set_functions(&self, functions: Arc<dyn Functions>) -> bool {
        self.functions.set(functions).is_ok()
    }

    pub(crate) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Goes on after a change of the head.
    pub(crate) fn go_on(self: &Arc<Self>) {
        self.begin();
        if self.head().needs_keeper() {
            self.keeper.notify_one();
        }
    }

    /// Begins the attempts that may begin.
    pub(crate) fn begin(self: &Arc<Self>) {
        let Some(functions) = self.functions.get() else { return };
        while !self.parts.tasks.is_shutting_down() {
            let Some(claimed) = self.head().begin() else { return };
            let work = Work::new(self.clone(), claimed);
            self.parts.tasks.spawn("asynchronous event", attempt::run(work, functions.clone()));
        }
    }

    /// Commits what is done about an event whose row `transaction` checks and removes, and finds out how that ended
    /// when the reply is lost.
    pub(crate) async fn commit(&self, row: &Row, transaction: Transaction) -> Committed {
        match self.parts.store.commit(transaction).await {
            Ok(_) => return Committed::Applied { heard: true },
            Err(CommitError::Unknown(_)) => {}
            Err(CommitError::Conflict(key)) if key == row.key => return Committed::AppliedBefore,
            Err(error) => return Committed::Refused(error),
        }
        let mut pauses = Pauses::default();
        loop {
            match self.has_row(row).await {
                Ok(false) => return Committed::Applied { heard: false },
                Ok(true) => return Committed::Lost,
                Err(error) => {
                    if !pauses.pause(self, &error.to_string()).await {
                        return Committed::Unknown;
                    }
                }
            }
        }
    }

    async fn has_row(&self, row: &Row) -> Result<bool, store::StoreError> {
        Ok(self.parts.store.snapshot().await?.get(&row.key).await?.is_some())
    }
}

/// Growing pauses.
#[derive(Debug, Default)]
pub(crate) struct Pauses(u32);

impl Pauses {
    /// Waits before the store is asked again. `false` when the server is shutting down.
    pub(crate) async fn pause(&mut self, engine: &Engine, why: &str) -> bool {
        let pause = STORE_PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.0)).min(STORE_PAUSE_MAX);
        if self.0 == 0 {
            tracing::warn!(why, "asynchronous events wait for the store");
        }
        self.0 += 1;
        tokio::select! {
            () = execution_sleep(pause) => true,
            () = engine.parts.tasks.shutting_down() => false,
        }
    }
}
