//! Writes down how far a lane has come, beside the work on what comes next.
//!
//! One commit at a time; what was to be written meanwhile is written by the next one, the latest state only. Each commit
//! checks that the row is still the one of the commit before, so that a commit whose reply was lost can never undo a
//! later one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use clock::Hold;
use store::{Check, CommitError, SharedStore, StoreError, TableError, Transaction, Version};
use stream::ShardId;
use targets::{Prepared, Settled};
use tasks::Tasks;
use tokio::sync::Notify;

use super::lane::Lane;
use super::work::pause;
use crate::pauses::Pauses;
use crate::stop::Stop;
use crate::tables::checkpoints::{Checkpoints, LANES};

/// Writes one lane. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Saver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: SharedStore,
    tasks: Tasks,
    stop: Stop,
    checkpoints: Checkpoints,
    shard: ShardId,
    slot: u32,
    state: Mutex<State>,
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Of the row as it was last written or read; `None` when there is none.
    version: Option<Version>,
    wanted: Option<(Lane, Hold)>,
    is_writing: bool,
    /// The last commit failed.
    is_behind: bool,
}

/// How a commit ended.
#[derive(Debug)]
pub(crate) enum Committed {
    Applied,
    /// It was not applied.
    Refused(CommitError),
    /// It may be applied yet; the next one will tell.
    Lost,
    /// The server is shutting down before that could be found out.
    Unknown,
}

impl Saver {
    /// Reads the lane's row, too.
    pub(crate) async fn open(
        store: SharedStore,
        tasks: Tasks,
        stop: Stop,
        checkpoints: Checkpoints,
        shard: ShardId,
        slot: u32,
    ) -> Result<Self, TableError> {
        let row = LANES.get_now(&*store, &checkpoints.lane(shard, slot)).await?;
        let state = Mutex::new(State { version: row.map(|row| row.version), ..State::default() });
        let inner = Inner { store, tasks, stop, checkpoints, shard, slot, state, idle: Notify::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Has `lane` written, without waiting. Virtual time stands still until it is.
    pub(crate) fn save(&self, lane: Lane, hold: Hold) {
        let mut state = self.inner.state();
        state.wanted = Some((lane, hold));
        if !std::mem::replace(&mut state.is_writing, true) {
            drop(state);
            self.inner.tasks.spawn("checkpoint", write(self.inner.clone()));
        }
    }

    /// Whether the store does not keep up.
    pub(crate) fn is_behind(&self) -> bool {
        self.inner.state().is_behind
    }

    /// Completes once everything is written, or nothing can be written before the end of the server.
    pub(crate) async fn flush(&self) {
        loop {
            let idle = self.inner.idle.notified();
            if !self.inner.state().is_writing {
                return;
            }
            idle.await;
        }
    }

    /// Writes `lane` and what `prepared` brings in one commit, after everything that was to be written before, and
    /// settles it.
    pub(crate) async fn commit(&self, lane: &Lane, mut prepared: Prepared) -> Committed {
        self.flush().await;
        let mut transaction = Transaction::new();
        if let Err(error) = self.inner.put(&mut transaction, lane) {
            return Committed::Refused(error);
        }
        prepared.join(&mut transaction);
        match self.inner.store.commit(transaction).await {
            Ok(version) => {
                self.inner.state().version = Some(version);
                prepared.committed();
                Committed::Applied
            }
            Err(CommitError::Unknown(_)) => {
                prepared.settle(Settled::Unknown);
                self.find_out().await
            }
            // An earlier one whose reply was lost.
            Err(CommitError::Conflict(key)) if key == self.inner.key() => self.find_out().await,
            Err(error) => Committed::Refused(error),
        }
    }

    async fn find_out(&self) -> Committed {
        let mut pauses = Pauses::of_store();
        loop {
            match self.inner.has_changed().await {
                Ok(true) => return Committed::Applied,
                Ok(false) => return Committed::Lost,
                Err(error) => {
                    if pause(&mut pauses, &self.inner.stop, &error).await.is_err() {
                        return Committed::Unknown;
                    }
                }
            }
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self) -> Bytes {
        LANES.key(&self.checkpoints.lane(self.shard, self.slot))
    }

    /// Adds: write the lane over the row that is known.
    fn put(&self, transaction: &mut Transaction, lane: &Lane) -> Result<(), CommitError> {
        let check = match self.state().version {
            Some(version) => Check::Version(self.key(), version),
            None => Check::Absent(self.key()),
        };
        transaction.checks.push(check);
        match LANES.put(transaction, &self.checkpoints.lane(self.shard, self.slot), lane) {
            Ok(()) => Ok(()),
            Err(TableError::Commit(error)) => Err(error),
            Err(TableError::Store(error)) => Err(error.into()),
        }
    }

    /// Whether the row is another one than is known, which then it is.
    async fn has_changed(&self) -> Result<bool, StoreError> {
        let entry = self.store.snapshot().await?.get(&self.key()).await?;
        let version = entry.map(|entry| entry.version);
        let before = std::mem::replace(&mut self.state().version, version);
        Ok(before != version)
    }

    async fn write_once(&self, lane: &Lane) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        self.put(&mut transaction, lane)?;
        let error = match self.store.commit(transaction).await {
            Ok(version) => {
                self.state().version = Some(version);
                return Ok(());
            }
            Err(error) => error,
        };
        let may_have_changed = match &error {
            CommitError::Unknown(_) => true,
            CommitError::Conflict(_) | CommitError::Fenced => true,
            CommitError::TooLarge(_) | CommitError::Unavailable(_) => false,
        };
        if may_have_changed {
            // Whatever was applied: this state is written over it, unless it is there already.
            let is_unknown = matches!(error, CommitError::Unknown(_));
            if self.has_changed().await? && is_unknown {
                return Ok(());
            }
        }
        Err(error)
    }
}

async fn write(inner: Arc<Inner>) {
    let mut pauses = Pauses::of_store();
    loop {
        let wanted = {
            let mut state = inner.state();
            let wanted = state.wanted.take();
            if wanted.is_none() {
                state.is_writing = false;
                state.is_behind = false;
            }
            wanted
        };
        let Some((lane, hold)) = wanted else { break };
        match inner.write_once(&lane).await {
            Ok(()) => pauses.reset(),
            Err(error) => {
                {
                    let mut state = inner.state();
                    state.is_behind = true;
                    state.wanted.get_or_insert((lane, hold));
                }
                tracing::warn!(%error, "a checkpoint cannot be written yet");
                let goes_on = tokio::select! {
                    () = pauses.pause() => true,
                    () = inner.tasks.shutting_down() => false,
                };
                if !goes_on {
                    let mut state = inner.state();
                    state.wanted = None;
                    state.is_writing = false;
                    break;
                }
            }
        }
    }
    inner.idle.notify_waiters();
}
