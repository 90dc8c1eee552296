//! What must be said once a commit has ended, however it ends.

use std::future::Future;

use store::{CommitError, Transaction};
use targets::Settled;

use crate::QueueError;
use crate::entry::Entry;
use crate::head::{Item, Work};
use crate::queue::Queue;

/// Messages in hand. Dropped without a word they are as they were.
#[derive(Debug)]
pub(crate) struct Settling {
    queue: Queue,
    pub(crate) work: Work,
    /// The deduplication token that others wait for.
    token: Option<[u8; 16]>,
    is_settled: bool,
}

impl Settling {
    pub(crate) fn new(queue: &Queue, work: Work) -> Self {
        Self { queue: queue.clone(), work, token: None, is_settled: false }
    }

    /// Messages that were in memory, and are to be deleted unless something else is said.
    pub(crate) fn of(queue: &Queue, taken: &[Entry]) -> Self {
        let items = taken.iter().map(|entry| Item { seq: entry.seq, before: Some(*entry), after: None });
        Self::new(queue, Work { items: items.collect(), sequence_limit: None })
    }

    /// A token that was reserved.
    pub(crate) fn with_token(queue: &Queue, token: [u8; 16]) -> Self {
        let mut settling = Self::new(queue, Work::default());
        settling.token = Some(token);
        settling
    }

    pub(crate) fn settle(mut self, settled: Settled) {
        self.end(settled);
    }

    fn end(&mut self, settled: Settled) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        self.queue.settle(std::mem::take(&mut self.work), settled, self.token.as_ref());
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.end(Settled::Abandoned);
    }
}

impl Queue {
    /// Commits, and says how it ended.
    pub(crate) async fn commit(&self, transaction: Transaction) -> (Settled, Result<(), QueueError>) {
        match self.platform().store.commit(transaction).await {
            Ok(_) => (Settled::Committed, Ok(())),
            Err(error @ CommitError::Unknown(_)) => (Settled::Unknown, Err(error.into())),
            Err(error) => (Settled::Abandoned, Err(error.into())),
        }
    }

    /// Runs `work` to its end even if whoever waits for it goes away, as a client may at any time: a commit that is
    /// on its way cannot be taken back, so what it means must be said.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueueError>> + Send + 'static,
    ) -> Result<T, QueueError> {
        let task = self.platform().tasks.spawn("queue-commit", work);
        task.await.unwrap_or_else(|error| Err(CommitError::Unknown(error.to_string()).into()))
    }
}
