//! What all mappings share: those that are in memory, and how they are written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use clock::{Hold, execution_sleep};
use ids::{AccountId, Region};
use store::{CommitError, StoreError, TableError, Transaction};
use tokio::sync::OnceCell;

use crate::pauses::Pauses;
use crate::slot::Slot;
use crate::tables::{checkpoints, mappings};
use crate::waiting::Waiting;
use crate::{EventSourcesParts, Functions, Mapping, MappingError, State, supervisor};

/// A result of a mapping's last batch is stored at most once in so much execution time.
const REPORT_PAUSE: Duration = Duration::from_secs(1);

/// Names a mapping.
pub(crate) type Key = (AccountId, Region, String);

pub(crate) struct Engine {
    pub(crate) parts: EventSourcesParts,
    functions: OnceLock<Arc<dyn Functions>>,
    loaded: OnceCell<()>,
    slots: Mutex<BTreeMap<Key, Arc<Slot>>>,
    pub(crate) waiting: Waiting,
}

pub(crate) fn store_error(error: TableError) -> StoreError {
    match error {
        TableError::Store(error) => error,
        TableError::Commit(error) => StoreError::Unavailable(error.to_string()),
    }
}

impl Engine {
    pub(crate) fn new(parts: EventSourcesParts) -> Self {
        Self {
            parts,
            functions: OnceLock::new(),
            loaded: OnceCell::const_new(),
            slots: Mutex::new(BTreeMap::new()),
            waiting: Waiting::default(),
        }
    }

    /// `false` when it was started before.
    pub(crate) fn set_functions(&self, functions: Arc<dyn Functions>) -> bool {
        self.functions.set(functions).is_ok()
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all mappings in memory.
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        self.loaded
            .get_or_try_init(async || {
                let snapshot = self.parts.store.snapshot().await?;
                let read = mappings::read_all(&*snapshot).await.map_err(store_error)?;
                let mut slots = self.slots();
                for mapping in read {
                    let slot = Arc::new(Slot::new(mapping.clone(), Hold::none()));
                    slots.insert((mapping.account, mapping.region, mapping.uuid), slot);
                }
                Ok(())
            })
            .await
            .copied()
    }

    /// Begins to work for all mappings.
    pub(crate) async fn begin(self: Arc<Self>, hold: Hold) {
        let mut pauses = Pauses::of_store();
        while let Err(error) = self.load().await {
            tracing::warn!(%error, "event source mappings cannot be read yet");
            pauses.pause().await;
        }
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        for slot in slots {
            slot.keep(hold.clone());
            self.supervise(&slot);
        }
    }

    /// Sees to it that somebody works for a mapping, once that was asked for.
    pub(crate) fn supervise(self: &Arc<Self>, slot: &Arc<Slot>) {
        let Some(functions) = self.functions.get() else {
            drop(slot.take_hold());
            return;
        };
        if slot.wants_supervisor() {
            let work = supervisor::supervise(self.clone(), slot.clone(), functions.clone());
            self.parts.tasks.spawn("event source mapping", work);
        }
    }

    /// Takes in a mapping that was stored.
    pub(crate) fn adopt(self: &Arc<Self>, mapping: Mapping, hold: Hold) {
        let key = (mapping.account.clone(), mapping.region.clone(), mapping.uuid.clone());
        let slot = Arc::new(Slot::new(mapping, hold));
        self.slots().insert(key, slot.clone());
        self.supervise(&slot);
    }

    /// Commits, and finds out how that ended when the reply is lost. `wanted` is what is stored if it went well.
    pub(crate) async fn commit(&self, transaction: Transaction, wanted: &Mapping) -> Result<(), CommitError> {
        let mut pauses = Pauses::of_store();
        let mut was_lost = false;
        loop {
            match self.parts.store.commit(transaction.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if self.parts.tasks.is_shutting_down() => return Err(error),
                Err(CommitError::Unknown(_)) => was_lost = true,
                Err(error @ CommitError::Conflict(_)) if was_lost => {
                    match mappings::read(&*self.parts.store, wanted).await {
                        Ok(Some(stored)) if stored == *wanted => return Ok(()),
                        Ok(_) => return Err(error),
                        Err(_) => {}
                    }
                }
                // The one that was lost may have been applied all the same.
                Err(CommitError::Unavailable(_)) if was_lost => {}
                Err(error) => return Err(error),
            }
            pauses.pause().await;
        }
    }

    /// The error of a mapping whose pair another one has; nothing when that is gone by now.
    pub(crate) async fn refuse_pair(&self, mapping: &Mapping) -> Result<(), MappingError> {
        match mappings::owner(&*self.parts.store, mapping).await.map_err(store_error)? {
            Some(uuid) => Err(MappingError::Exists(uuid)),
            None => Ok(()),
        }
    }

    /// Stores the state that follows for a mapping that is between two; unless a caller has changed it since it was `seen`,
    /// or the server shuts down before that could be done.
    pub(crate) async fn move_on(&self, slot: &Slot, seen: &Mapping, state: State) {
        let mut pauses = Pauses::of_store();
        loop {
            let turn = slot.turn.lock().await;
            let old = slot.mapping();
            if old.revision != seen.revision || old.state.is_final() {
                return;
            }
            let new = Mapping { state, last_modified: self.parts.clock.now(), ..(*old).clone() };
            match self.replace(&old, &new).await {
                Ok(()) => {
                    slot.moved_on(new);
                    return;
                }
                Err(error) => tracing::warn!(uuid = old.uuid, %error, "a mapping's state cannot be stored"),
            }
            drop(turn);
            if self.parts.tasks.is_shutting_down() {
                return;
            }
            pauses.pause().await;
        }
    }

    /// Writes what has become of a mapping.
    pub(crate) async fn replace(&self, old: &Mapping, new: &Mapping) -> Result<(), CommitError> {
        let mut transaction = Transaction::new();
        match mappings::replace(&mut transaction, old, new) {
            Ok(()) => self.commit(transaction, new).await,
            Err(TableError::Commit(error)) => Err(error),
            Err(TableError::Store(error)) => Err(error.into()),
        }
    }

    /// Removes a mapping and its checkpoints. `false` when the server shuts down before that could be done.
    pub(crate) async fn forget(&self, slot: &Slot) -> bool {
        let mut pauses = Pauses::of_store();
        loop {
            let turn = slot.turn.lock().await;
            let mapping = slot.mapping();
            let mut transaction = Transaction::new();
            mappings::delete(&mut transaction, &mapping);
            checkpoints::delete_all(&mut transaction, &mapping.uuid);
            match self.commit(transaction, &mapping).await {
                Ok(()) => {
                    slot.forget();
                    let Mapping { account, region, uuid, .. } = (*mapping).clone();
                    self.slots().remove(&(account, region, uuid));
                    return true;
                }
                Err(error) => tracing::warn!(uuid = mapping.uuid, %error, "a mapping cannot be deleted"),
            }
            drop(turn);
            if self.parts.tasks.is_shutting_down() {
                return false;
            }
            pauses.pause().await;
        }
    }

    /// Notes how the last batch went, and stores it if that is news.
    pub(crate) fn report(self: &Arc<Self>, slot: &Arc<Slot>, result: &str) {
        if slot.note(result) {
            let work = self.clone().store_results(slot.clone());
            self.parts.tasks.spawn("event source mapping's result", work);
        }
    }

    async fn store_results(self: Arc<Self>, slot: Arc<Slot>) {
        loop {
            let turn = slot.turn.lock().await;
            if slot.is_gone() {
                return;
            }
            let mapping = slot.mapping();
            let stored = self.replace(&mapping, &mapping).await;
            drop(turn);
            if let Err(error) = &stored {
                tracing::warn!(uuid = mapping.uuid, %error, "the result of a batch cannot be stored");
            }
            if !self.parts.tasks.is_shutting_down() {
                tokio::select! {
                    () = execution_sleep(REPORT_PAUSE) => {}
                    () = self.parts.tasks.shutting_down() => {}
                }
            } else if stored.is_err() {
                return;
            }
            if stored.is_ok() && slot.has_noted(mapping.last_processing_result.as_deref()) {
                return;
            }
        }
    }
}

/// The error of an operation whose commit failed.
pub(crate) fn failed(error: &CommitError) -> MappingError {
    StoreError::Unavailable(error.to_string()).into()
}
