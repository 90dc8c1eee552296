//! Moving messages out of a dead-letter queue.

use std::sync::Arc;
use std::time::Duration;

use store::{Mutation, Transaction};
use targets::{Prepared, Settled, What};

use crate::entry::Entry;
use crate::handing::{delete, fits, new_message};
use crate::queue::Queue;
use crate::record::Record;
use crate::send::Arrival;
use crate::settling::Settling;
use crate::{NewMessage, QueueError};

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

impl std::fmt::Debug for MoveTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Queue(queue) => f.debug_tuple("Queue").field(queue.id()).finish(),
            Self::Sources(_) => f.write_str("Sources"),
        }
    }
}

impl MoveTo {
    fn of(&self, record: &Record) -> Option<Queue> {
        match self {
            Self::Queue(queue) => Some(queue.clone()),
            Self::Sources(find) => find(record.dead_letter_source.as_deref()?),
        }
    }
}

/// What [`Queue::move_messages`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Messages that are in their destination now.
    pub moved: usize,
    /// Messages that were met and stay, because the queue that they came from is not known or not open.
    pub unresolved: usize,
}

/// One commit that moves what was taken from the head.
struct Moving {
    settling: Settling,
    transaction: Transaction,
    prepared: Vec<Prepared>,
    moved_bytes: usize,
    unresolved: usize,
    steps: Vec<(String, What)>,
}

impl Queue {
    /// Moves at most `limit` messages that can be received, in one commit. In their new queue they are new: another
    /// id, sent now.
    ///
    /// # Errors
    /// When a queue was removed or the store fails.
    pub async fn move_messages(&self, to: &MoveTo, limit: usize) -> Result<Moved, QueueError> {
        loop {
            let taken = self.on_head(|head, _| head.take(limit, false)).await?;
            let is_empty = taken.is_empty();
            let moving = Moving {
                settling: Settling::of(self, &taken),
                transaction: Transaction::new(),
                prepared: Vec::new(),
                moved_bytes: 0,
                unresolved: 0,
                steps: Vec::new(),
            };
            let moved = self.see_through(moving.run(self.clone(), taken, to.clone())).await?;
            // All may have been too old.
            if is_empty || moved != Moved::default() {
                return Ok(moved);
            }
        }
    }
}

impl Moving {
    async fn run(mut self, from: Queue, taken: Vec<Entry>, to: MoveTo) -> Result<Moved, QueueError> {
        let snapshot = from.platform().store.snapshot().await?;
        let (now, retention) = (from.platform().clock.now(), from.settings().retention);
        for (index, entry) in taken.iter().enumerate() {
            let Some(record) = Record::read(&*snapshot, from.rows(), entry.sent, entry.seq).await? else {
                // Somebody deleted it with an old receipt, and its row was left behind.
                self.transaction.mutations.push(Mutation::Delete(from.rows().entry(entry)));
                continue;
            };
            if entry.sent + retention <= now {
                delete(&mut self.transaction, &from, entry);
                continue;
            }
            let Some(queue) = to.of(&record) else {
                self.unresolved += 1;
                self.settling.work.items[index].after = Some(*entry);
                continue;
            };
            if !self.add(&from, &queue, entry, record).await? {
                self.settling.work.items[index..].iter_mut().for_each(|item| item.after = item.before);
                break;
            }
        }
        drop(snapshot);
        self.commit(&from).await
    }

    /// Whether it still fits.
    async fn add(
        &mut self,
        from: &Queue,
        to: &Queue,
        entry: &Entry,
        record: Record,
    ) -> Result<bool, QueueError> {
        let id = record.id.clone();
        let message = NewMessage {
            id: from.platform().ids.request_id().to_string(),
            delay: Some(Duration::ZERO),
            from: Some(id.clone()),
            ..new_message(record)
        };
        let arrival =
            Arrival { message, sent: None, received_before: 0, may_be_duplicate: false, is_alone: false };
        let (mut prepared, sent) = to.prepare(arrival).await?;
        if !fits(&mut self.moved_bytes, &prepared) {
            return Ok(false);
        }
        prepared.join(&mut self.transaction);
        self.prepared.push(prepared);
        delete(&mut self.transaction, from, entry);
        let step = What::Sent { to: to.settings().arn.clone(), role: "redrive".to_owned(), id: sent.id };
        self.steps.push((id, step));
        Ok(true)
    }

    async fn commit(self, from: &Queue) -> Result<Moved, QueueError> {
        let moved = Moved { moved: self.prepared.len(), unresolved: self.unresolved };
        let (settled, result) = if self.transaction.mutations.is_empty() {
            (Settled::Committed, Ok(()))
        } else {
            from.commit(self.transaction).await
        };
        if result.is_ok() && !from.is_untraced() {
            self.steps.into_iter().for_each(|(id, what)| from.trace(id, what));
        }
        self.settling.settle(settled);
        self.prepared.into_iter().for_each(|prepared| prepared.settle(settled));
        result.map(|()| moved)
    }
}
