//! The mappings as the services hold them.

use std::fmt::{self, Debug};
use std::sync::Arc;

use clock::SharedClock;
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use store::{SharedStore, StoreError};
use targets::{RecordMetrics, RecordTrace, Targets};
use tasks::Tasks;

use crate::{FindQueue, FindStream, Functions, Mapping};

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

/// All mappings and their pollers. Cheap to clone.
#[derive(Clone)]
pub struct EventSources(Arc<EventSourcesParts>);

impl Debug for EventSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSources").finish_non_exhaustive()
    }
}

fn unfinished<T>() -> Result<T, MappingError> {
    Err(StoreError::Unavailable("mappings are not finished".to_owned()).into())
}

impl EventSources {
    /// Mappings that can be changed; none polls before [`EventSources::start`].
    #[must_use]
    pub fn new(parts: EventSourcesParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Where the queues of mappings are found.
    #[must_use]
    pub fn queues(&self) -> &dyn FindQueue {
        &*self.0.queues
    }

    /// Where the streams of mappings are found.
    #[must_use]
    pub fn streams(&self) -> &dyn FindStream {
        &*self.0.streams
    }

    /// Begins to poll. Only the first call counts.
    pub fn start(&self, functions: Arc<dyn Functions>) {
        let _ = (functions, &self.0);
    }

    /// Stores a new mapping, in the state `Creating` or, when it is not enabled, `Disabled`; an enabled one begins to poll
    /// and becomes `Enabled`.
    ///
    /// # Errors
    /// [`MappingError::Exists`], or when the store fails.
    pub async fn create(&self, mapping: Mapping) -> Result<(), MappingError> {
        let _ = mapping;
        unfinished()
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
        let _ = (account, region, uuid);
        unfinished()
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
        let _ = (account, region, page);
        unfinished()
    }

    /// Changes a mapping that is in a final state, and answers it in its new state: `Updating`, `Enabling` or
    /// `Disabling`. It goes on with the new settings when its last batches have run; checkpoints stay.
    ///
    /// # Errors
    /// [`MappingError::NotFound`], [`MappingError::InUse`], [`MappingError::Exists`], or when the store fails.
    pub async fn update(
        &self,
        account: &AccountId,
        region: &Region,
        uuid: &str,
        change: impl FnOnce(&mut Mapping) + Send,
    ) -> Result<Mapping, MappingError> {
        let _ = (account, region, uuid, change);
        unfinished()
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
        let _ = (account, region, uuid);
        unfinished()
    }
}
