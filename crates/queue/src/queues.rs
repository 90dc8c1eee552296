//! All queues.

use std::sync::Arc;

use async_trait::async_trait;
use clock::SharedClock;
use ids::IdSource;
use store::{CommitError, SharedStore, Transaction};
use targets::{Agenda, Due, Prepared, RecordTrace};
use tasks::Tasks;

use crate::{Queue, QueueError, QueueId, Settings};

/// All queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    store: SharedStore,
}

impl Queues {
    /// The queues in `store`; none is read before it is used.
    #[must_use]
    pub fn new(
        store: SharedStore,
        _clock: SharedClock,
        _ids: Arc<IdSource>,
        _tasks: Tasks,
        _trace: Arc<dyn RecordTrace>,
    ) -> Self {
        Self { store }
    }

    /// The queue `id`, empty when there was none. In memory only; what is open already is configured anew.
    pub fn open(&self, id: QueueId, settings: Settings) -> Queue {
        Queue::new(id, settings)
    }

    /// The queue, if it is open.
    #[must_use]
    pub fn get(&self, _id: &QueueId) -> Option<Queue> {
        None
    }

    /// What is to be written to have the queue and all its messages removed. Once it is committed the queue answers
    /// [`QueueError::Removed`], and its rows go in the background, also after a restart.
    pub fn prepare_remove(&self, id: &QueueId) -> Prepared {
        Prepared::new(id.0.clone(), Transaction::new(), |_| {})
    }

    /// [`Queues::prepare_remove`] in a commit of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, id: &QueueId) -> Result<(), QueueError> {
        let mut removal = self.prepare_remove(id);
        self.store.commit(std::mem::take(&mut removal.part)).await?;
        removal.committed();
        Err(not_there_yet())
    }
}

#[async_trait]
impl Agenda for Queues {
    async fn due(&self, _limit: usize) -> Vec<Due> {
        Vec::new()
    }
}

pub(crate) fn not_there_yet() -> QueueError {
    QueueError::Store(CommitError::Unavailable("queues are not there yet".to_owned()))
}
