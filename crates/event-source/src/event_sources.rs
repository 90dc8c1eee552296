//! The mappings as the services hold them.

use std::fmt::{self, Debug};
use std::future::Future;
use std::ops::Bound;
use std::sync::Arc;

use clock::SharedClock;
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use store::{CommitError, SharedStore, StoreError, Transaction};
use targets::{RecordMetrics, RecordTrace, Targets};
use tasks::Tasks;

use crate::engine::{Engine, Key, failed, store_error};
use crate::slot::Slot;
use crate::tables::mappings;
use crate::{FindQueue, FindStream, Functions, Mapping, State};

/// What pollers are built from.
#[derive(Debug, Clone)]
pub struct EventSourcesParts {
    /// Where mappings and checkpoints lie.
    pub store: SharedStore,
    /// When things are due.
    pub clock: SharedClock,
    /// For batches' ids.
    pub ids: Arc<IdSource>,
    /// Who runs the pollers.
    pub tasks: Tasks,
    /// Queues to poll.
    pub queues: Arc<dyn FindQueue>,
    /// Streams to poll.
    pub streams: Arc<dyn FindStream>,
    /// Where records of given up batches go.
    pub targets: Targets,
    /// Counts events.
    pub metrics: Arc<dyn RecordMetrics>,
    /// Tells their story.
    pub trace: Arc<dyn RecordTrace>,
}

/// A request about a mapping that was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MappingError {
    /// There is none.
    #[error("there is no such mapping")]
    NotFound,
    /// It is between two states.
    #[error("the mapping is being changed")]
    InUse,
    /// There is one of the same source and function: its UUID.
    #[error("the mapping {0} has the same source and function")]
    Exists(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only those of this source.
    pub source: Option<Arn>,
    /// Only those of this function; without a qualifier, whatever theirs.
    pub function: Option<FunctionArn>,
    /// After this UUID.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

impl Page {
    fn has(&self, mapping: &Mapping) -> bool {
        let is_theirs = |function: &FunctionArn| match function.qualifier {
            Some(_) => mapping.function == *function,
            None => mapping.function.unqualified() == *function,
        };
        self.source.as_ref().is_none_or(|source| mapping.source == *source)
            && self.function.as_ref().is_none_or(is_theirs)
    }
}

/// All mappings and their pollers. Cheap to clone.
#[derive(Clone)]
pub struct EventSources(Arc<Engine>);

impl Debug for EventSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSources").finish_non_exhaustive()
    }
}

impl EventSources {
    /// Mappings that can be changed; none polls before [`EventSources::start`].
    #[must_use]
    pub fn new(parts: EventSourcesParts) -> Self {
        Self(Arc::new(Engine::new(parts)))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0
    }

    /// Where the queues of mappings are found.
    #[must_use]
    pub fn queues(&self) -> &dyn FindQueue {
        &*self.0.parts.queues
    }

    /// Where the streams of mappings are found.
    #[must_use]
    pub fn streams(&self) -> &dyn FindStream {
        &*self.0.parts.streams
    }

    /// Begins to poll. Only the first call counts.
    pub fn start(&self, functions: Arc<dyn Functions>) {
        if self.0.set_functions(functions) {
            let hold = self.0.parts.clock.hold();
            self.0.parts.tasks.spawn_until_shutdown("event source mappings", self.0.clone().begin(hold));
        }
    }

    /// Stores and answers a new mapping, in the state `Creating` or, when it is not enabled, `Disabled`; an enabled one begins to poll
    /// and becomes `Enabled`.
    ///
    /// # Errors
    /// [`MappingError::Exists`], or when the store fails.
    pub async fn create(&self, mut mapping: Mapping) -> Result<Mapping, MappingError> {
        self.0.load().await?;
        mapping.state = if mapping.is_enabled { State::Creating } else { State::Disabled };
        let (engine, hold) = (self.0.clone(), self.0.parts.clock.hold());
        self.see_through(async move {
            let mut transaction = Transaction::new();
            mappings::insert(&mut transaction, &mapping).map_err(store_error)?;
            loop {
                match engine.commit(transaction.clone(), &mapping).await {
                    Ok(()) => break,
                    Err(CommitError::Conflict(key)) if key == mappings::pair_key(&mapping) => {
                        // If it has just been deleted, the pair is free.
                        engine.refuse_pair(&mapping).await?;
                    }
                    Err(error) => return Err(failed(&error)),
                }
            }
            engine.adopt(mapping.clone(), hold);
            Ok(mapping)
        })
        .await
    }

    /// The mapping as it is now.
    ///
    /// # Errors
    /// [`MappingError::NotFound`], or when the store fails.
    pub async fn get(
        &self,
        account: &AccountId,
        region: &Region,
        uuid: &str,
    ) -> Result<Mapping, MappingError> {
        Ok((*self.find(account, region, uuid).await?.mapping()).clone())
    }

    /// Those of an account and region, by UUID.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        account: &AccountId,
        region: &Region,
        page: &Page,
    ) -> Result<Vec<Mapping>, MappingError> {
        self.0.load().await?;
        let slots = self.0.slots();
        let after = page.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let first = match after {
            Bound::Excluded(uuid) => Bound::Excluded((account.clone(), region.clone(), uuid)),
            _ => Bound::Included((account.clone(), region.clone(), String::new())),
        };
        let theirs = slots
            .range((first, Bound::Unbounded))
            .take_while(|((of, at, _), _)| of == account && at == region)
            .map(|(_, slot)| slot.mapping())
            .filter(|mapping| page.has(mapping));
        Ok(theirs.take(page.limit).map(|mapping| (*mapping).clone()).collect())
    }

    /// Changes a mapping that is in a final state and still as it was `seen`, and answers it in its new state: `Updating`,
    /// `Enabling` or `Disabling`. It goes on with the new settings when its last batches have run; checkpoints stay.
    ///
    /// # Errors
    /// [`MappingError::NotFound`], [`MappingError::InUse`], [`MappingError::Exists`], or when the store fails.
    pub async fn update(
        &self,
        seen: &Mapping,
        change: impl FnOnce(&mut Mapping) + Send,
    ) -> Result<Mapping, MappingError> {
        self.change(&seen.account, &seen.region, &seen.uuid, Some(seen.revision), |mapping| {
            let was_enabled = mapping.is_enabled;
            change(mapping);
            mapping.state = match (was_enabled, mapping.is_enabled) {
                (true, false) => State::Disabling,
                (false, true) => State::Enabling,
                _ => State::Updating,
            };
        })
        .await
    }

    /// Deletes a mapping in a final state and its checkpoints, and answers it in the state `Deleting`.
    ///
    /// # Errors
    /// [`MappingError::NotFound`], [`MappingError::InUse`], or when the store fails.
    pub async fn delete(
        &self,
        account: &AccountId,
        region: &Region,
        uuid: &str,
    ) -> Result<Mapping, MappingError> {
        self.change(account, region, uuid, None, |mapping| mapping.state = State::Deleting).await
    }

    async fn change(
        &self,
        account: &AccountId,
        region: &Region,
        uuid: &str,
        seen: Option<u64>,
        change: impl FnOnce(&mut Mapping) + Send,
    ) -> Result<Mapping, MappingError> {
        let slot = self.find(account, region, uuid).await?;
        let turn = slot.turn.clone().lock_owned().await;
        if slot.is_gone() {
            return Err(MappingError::NotFound);
        }
        let old = slot.mapping();
        if !old.state.is_final() || seen.is_some_and(|revision| revision != old.revision) {
            return Err(MappingError::InUse);
        }
        let (engine, hold) = (self.0.clone(), self.0.parts.clock.hold());
        let mut new = (*old).clone();
        change(&mut new);
        new.revision = old.revision + 1;
        new.last_modified = engine.parts.clock.now();
        self.see_through(async move {
            while let Err(error) = engine.replace(&old, &new).await {
                match error {
                    CommitError::Conflict(key) if key == mappings::pair_key(&new) => {
                        engine.refuse_pair(&new).await?;
                    }
                    error => return Err(failed(&error)),
                }
            }
            slot.changed(new.clone(), hold);
            drop(turn);
            engine.supervise(&slot);
            Ok(new)
        })
        .await
    }

    async fn find(
        &self,
        account: &AccountId,
        region: &Region,
        uuid: &str,
    ) -> Result<Arc<Slot>, MappingError> {
        self.0.load().await?;
        let key: Key = (account.clone(), region.clone(), uuid.to_owned());
        self.0.slots().get(&key).cloned().ok_or(MappingError::NotFound)
    }

    /// Runs `work` to its end even if the client goes away: a commit that is on its way cannot be taken back.
    async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, MappingError>> + Send + 'static,
    ) -> Result<T, MappingError> {
        let task = self.0.parts.tasks.spawn("change a mapping", work);
        task.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string()).into()))
    }
}
