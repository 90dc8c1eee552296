//! One queue.

use std::sync::Arc;
use std::time::Duration;

use clock::Hold;
use targets::Prepared;

use crate::queues::not_there_yet;
use crate::{Counters, Message, NewMessage, QueueError, QueueId, Receipt, Receive, Sent, Settings};

/// One queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    id: QueueId,
    settings: Arc<Settings>,
}

/// Finds an open queue by its ARN.
pub type FindQueue = Arc<dyn Fn(&str) -> Option<Queue> + Send + Sync>;

/// Where [`Queue::move_messages`] moves to.
#[derive(Clone)]
pub enum MoveTo {
    /// All to this queue.
    Queue(Queue),
    /// Each to the queue with the ARN of its [`NewMessage::dead_letter_source`], which must be open.
    Sources(FindQueue),
}

/// What [`Queue::move_messages`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Messages that are in their destination now.
    pub moved: usize,
    /// Messages that were met and stay, because the queue that they came from is not known or not open.
    pub unresolved: usize,
}

impl std::fmt::Debug for MoveTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Queue(queue) => f.debug_tuple("Queue").field(queue.id()).finish(),
            Self::Sources(_) => f.write_str("Sources"),
        }
    }
}

impl Queue {
    pub(crate) fn new(id: QueueId, settings: Settings) -> Self {
        Self { id, settings: Arc::new(settings) }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &QueueId {
        &self.id
    }

    /// How it behaves.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.clone()
    }

    /// Changes how it behaves, from now on. Whether it is a FIFO queue never changes.
    pub fn configure(&self, _settings: Settings) {}

    /// What is to be written to have `message` in the queue: for whoever hands it over within a commit of its own. For a
    /// duplicate in a FIFO queue there is nothing to write.
    ///
    /// # Errors
    /// When the message lacks what a FIFO queue needs, the queue was removed, or the store fails.
    pub async fn prepare_send(&self, _message: NewMessage) -> Result<(Prepared, Sent), QueueError> {
        Err(not_there_yet())
    }

    /// Sends in one commit; one result for each, in order. The order holds in a FIFO queue.
    pub async fn send(&self, messages: Vec<NewMessage>) -> Vec<Result<Sent, QueueError>> {
        messages.iter().map(|_| Err(not_there_yet())).collect()
    }

    /// Receives. With a wait it answers as soon as there is one message.
    ///
    /// # Errors
    /// [`QueueError::OverLimit`] for a standard queue without a wait; when the queue was removed or the store fails.
    pub async fn receive(&self, request: Receive) -> Result<Vec<Message>, QueueError> {
        self.receive_held(request).await.map(|(messages, _)| messages)
    }

    /// [`Queue::receive`] for a poller in this process: virtual time stands still until the [`Hold`] is dropped.
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub async fn receive_held(&self, _request: Receive) -> Result<(Vec<Message>, Hold), QueueError> {
        Err(not_there_yet())
    }

    /// Deletes in one commit; one result for each, in order. What is deleted already is deleted.
    pub async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), QueueError>> {
        receipts.iter().map(|_| Err(not_there_yet())).collect()
    }

    /// Has messages hidden for so long from now (zero: not at all), in one commit; one result for each, in order.
    pub async fn change_visibility(&self, changes: &[(Receipt, Duration)]) -> Vec<Result<(), QueueError>> {
        changes.iter().map(|_| Err(not_there_yet())).collect()
    }

    /// Deletes all messages that were sent before. None of them is received any more once this returns; a great many
    /// are counted for some time yet while they go in the background, also after a restart.
    ///
    /// # Errors
    /// When the queue was removed or the store fails.
    pub async fn purge(&self) -> Result<(), QueueError> {
        Err(not_there_yet())
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// When the queue was removed or the store fails.
    pub async fn counters(&self) -> Result<Counters, QueueError> {
        Err(not_there_yet())
    }

    /// Moves at most `limit` messages that can be received, in one commit. In their new queue they are new: another
    /// id, sent now.
    ///
    /// # Errors
    /// When a queue was removed or the store fails.
    pub async fn move_messages(&self, _to: &MoveTo, _limit: usize) -> Result<Moved, QueueError> {
        Err(not_there_yet())
    }
}
