//! The service: what it holds, and what can be asked of it.

use std::sync::Arc;

use store::{CommitError, SharedStore, StoreError, TableError, Transaction};
use targets::{FailedEvent, RecordTrace, Step};
use tasks::Tasks;

use crate::bounds::Bounds;
use crate::failed::{Failed, FailedFilter};
use crate::queue::Queue;
use crate::story::Story;
use crate::tables::{FAILED, FAILED_BY_ID, FAILED_EVENTS};
use crate::watch::{Watch, Watchers};
use crate::{failed, steps, story, writer};

/// The store could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the trace cannot be read: {0}")]
pub struct TraceError(#[from] TableError);

impl From<StoreError> for TraceError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<CommitError> for TraceError {
    fn from(error: CommitError) -> Self {
        Self(error.into())
    }
}

/// What a trace is built of.
#[derive(Debug, Clone)]
pub struct TraceParts {
    /// Where it is kept.
    pub store: SharedStore,
    /// Where its writer runs. Once their end is announced, it writes what waits and takes nothing any more.
    pub tasks: Tasks,
}

/// Records the story of events and messages, and tells it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Trace {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: SharedStore,
    pub(crate) bounds: Bounds,
    pub(crate) queue: Queue,
    watchers: Arc<Watchers>,
}

impl Trace {
    /// A trace that writes in the background.
    #[must_use]
    pub fn new(parts: TraceParts) -> Self {
        Self::with_bounds(parts, Bounds::default())
    }

    pub(crate) fn with_bounds(parts: TraceParts, bounds: Bounds) -> Self {
        let TraceParts { store, tasks } = parts;
        let queue = Queue::new(bounds.waiting);
        let shared = Arc::new(Shared { store, bounds, queue, watchers: Arc::default() });
        tasks.spawn("trace-writer", writer::run(Arc::clone(&shared), tasks.clone()));
        Self { shared }
    }

    /// Completes once everything that was recorded before is in the store, or could not be written.
    pub async fn flush(&self) {
        self.shared.queue.flush().await;
    }

    /// Collects the steps that are recorded from now on.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.shared.watchers.watch()
    }

    /// Steps that were left out since the start, because more came than could be written.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.shared.queue.left_out()
    }

    /// Everything that is known of an event or a message, and of what it came from and what came of it, by time.
    /// Empty when nothing is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn story(&self, id: &str) -> Result<Story, TraceError> {
        self.flush().await;
        let snapshot = self.shared.store.snapshot().await?;
        Ok(story::tell(&*snapshot, id).await?)
    }

    /// The newest `limit` steps, by time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recent(&self, limit: usize) -> Result<Vec<Step>, TraceError> {
        self.flush().await;
        let snapshot = self.shared.store.snapshot().await?;
        Ok(steps::newest(&*snapshot, limit).await?)
    }

    /// The newest `limit` failed events that pass the filter, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn failed(&self, filter: &FailedFilter, limit: usize) -> Result<Vec<Failed>, TraceError> {
        self.flush().await;
        let snapshot = self.shared.store.snapshot().await?;
        Ok(failed::newest(&*snapshot, filter, limit).await?)
    }

    /// A failed event with its payload; `None` when it is not kept (any more).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn failed_event(&self, id: &str) -> Result<Option<FailedEvent>, TraceError> {
        self.flush().await;
        let snapshot = self.shared.store.snapshot().await?;
        Ok(FAILED_EVENTS.get(&*snapshot, &[id.into()]).await?.map(|row| row.record))
    }

    /// Notes that a failed event was run again, under which request id. Nothing happens when it is not kept.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn mark_replayed(&self, id: &str, request_id: &str) -> Result<(), TraceError> {
        let snapshot = self.shared.store.snapshot().await?;
        let Some(sequence) = FAILED_BY_ID.get(&*snapshot, &[id.into()]).await? else { return Ok(()) };
        let Some(row) = FAILED.get(&*snapshot, &[sequence.record.into()]).await? else { return Ok(()) };
        let record = Failed { replayed_as: Some(request_id.to_owned()), ..row.record.clone() };
        let mut transaction = Transaction::new();
        FAILED.update(&mut transaction, &row, &record)?;
        match self.shared.store.commit(transaction).await {
            // It was removed in between.
            Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl RecordTrace for Trace {
    fn record(&self, step: Step) {
        let step = steps::shortened(step);
        self.shared.watchers.tell(&step);
        self.shared.queue.record(step);
    }

    fn is_overloaded(&self) -> bool {
        !self.shared.watchers.any() && self.shared.queue.is_overloaded()
    }

    fn keep(&self, event: FailedEvent) {
        self.shared.queue.keep(steps::shortened_event(event));
    }
}

#[cfg(test)]
mod tests;
