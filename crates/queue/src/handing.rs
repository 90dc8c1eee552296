//! Handing messages out: to their receiver, or to the dead-letter queue.

use std::time::Duration;

use clock::Timestamp;
use store::{Mutation, Snapshot, StoreError, Transaction};
use targets::{Prepared, What};

use crate::entry::Entry;
use crate::queue::Queue;
use crate::receipt::Claim;
use crate::record::{self, Record};
use crate::send::Arrival;
use crate::settling::Settling;
use crate::{DeadLetter, Message, NewMessage, QueueError, Receive, attempts};

/// Messages that move in one commit are at most so large: a transaction holds 8 MiB.
const MOVED_BYTES_MAX: usize = 6 << 20;

/// Whether one more message can move in the same commit.
pub(crate) fn fits(moved_bytes: &mut usize, prepared: &Prepared) -> bool {
    let size = |mutation: &Mutation| if let Mutation::Put(_, value) = mutation { value.len() } else { 0 };
    let size_bytes: usize = prepared.part.mutations.iter().map(size).sum();
    let fits = *moved_bytes == 0 || *moved_bytes + size_bytes <= MOVED_BYTES_MAX;
    *moved_bytes += if fits { size_bytes } else { 0 };
    fits
}

/// One commit that hands out what was taken from the head.
pub(crate) struct Handing {
    queue: Queue,
    taken: Vec<Entry>,
    settling: Settling,
    request: Receive,
    now: Timestamp,
    transaction: Transaction,
    messages: Vec<Message>,
    moved: Vec<Prepared>,
    moved_bytes: usize,
    steps: Vec<(String, What)>,
}

impl Handing {
    pub(crate) fn new(queue: &Queue, taken: Vec<Entry>, request: &Receive) -> Self {
        Self {
            settling: Settling::of(queue, &taken),
            queue: queue.clone(),
            taken,
            request: request.clone(),
            now: queue.platform().clock.now(),
            transaction: Transaction::new(),
            messages: Vec::new(),
            moved: Vec::new(),
            moved_bytes: 0,
            steps: Vec::new(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Vec<Message>, QueueError> {
        let snapshot = self.queue.platform().store.snapshot().await?;
        let settings = self.queue.settings();
        for index in 0..self.taken.len() {
            let entry = self.taken[index];
            let Some(record) = self.read(&*snapshot, index).await? else { continue };
            if entry.sent + settings.retention <= self.now {
                // It has become too old just now.
                delete(&mut self.transaction, &self.queue, &entry);
                continue;
            }
            match &settings.dead_letter {
                Some(policy) if entry.count >= policy.max_receive_count => {
                    if !self.redrive(index, record, policy, &settings.arn).await? {
                        self.leave_from(index);
                        break;
                    }
                }
                _ => self.hand_out(index, record),
            }
        }
        drop(snapshot);
        self.commit().await
    }

    /// A message that is gone or cannot be read is nobody's any more.
    async fn read(&mut self, snapshot: &dyn Snapshot, index: usize) -> Result<Option<Record>, QueueError> {
        let (entry, rows) = (self.taken[index], self.queue.rows());
        match Record::read(snapshot, rows, entry.sent, entry.seq).await {
            Ok(Some(record)) => Ok(Some(record)),
            Ok(None) => {
                self.transaction.mutations.push(Mutation::Delete(rows.entry(&entry)));
                Ok(None)
            }
            Err(error @ StoreError::Damaged(_)) => {
                tracing::error!(queue = self.queue.id().0, seq = entry.seq, %error, "a message is left out");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// To the dead-letter queue if there is one, whatever their receive count; else they are deleted.
    pub(crate) async fn give_up(mut self, condition: &str) -> Result<(), QueueError> {
        let snapshot = self.queue.platform().store.snapshot().await?;
        let settings = self.queue.settings();
        for index in 0..self.taken.len() {
            let Some(record) = self.read(&*snapshot, index).await? else { continue };
            let Some(policy) = &settings.dead_letter else {
                self.steps.push((record.id, What::Ended { condition: condition.to_owned() }));
                delete(&mut self.transaction, &self.queue, &self.taken[index]);
                continue;
            };
            if !self.redrive(index, record, policy, &settings.arn).await? {
                self.leave_from(index);
                break;
            }
        }
        drop(snapshot);
        self.commit().await.map(drop)
    }

    fn hand_out(&mut self, index: usize, record: Record) {
        let before = self.taken[index];
        let (after, message) =
            receive(&self.queue, before, record, self.request.visibility_timeout, self.now);
        let rows = self.queue.rows();
        self.transaction.mutations.push(Mutation::Delete(rows.entry(&before)));
        self.transaction.mutations.push(Mutation::Put(rows.entry(&after), after.encode().into()));
        self.settling.work.items[index].after = Some(after);
        if !self.queue.is_untraced() {
            self.steps.push((message.id.clone(), What::Received { count: message.receive_count }));
        }
        self.messages.push(message);
    }

    /// This one and those after it are as they were, for the next receive.
    fn leave_from(&mut self, index: usize) {
        self.settling.work.items[index..].iter_mut().for_each(|item| item.after = item.before);
    }

    /// A message moves on in the same commit, if it still fits. One whose queue does not take it is received once
    /// more: it must not get lost.
    async fn redrive(
        &mut self,
        index: usize,
        record: Record,
        policy: &DeadLetter,
        source: &str,
    ) -> Result<bool, QueueError> {
        let entry = self.taken[index];
        let Some(queue) = self.queue.other(&policy.queue) else {
            self.hand_out(index, record);
            return Ok(true);
        };
        let arrival = Arrival {
            message: NewMessage {
                dead_letter_source: Some(source.to_owned()),
                delay: Some(Duration::ZERO),
                ..new_message(record.clone())
            },
            // In FIFO queues the time starts anew (Amazon SQS developer guide, "Dead-letter queues").
            sent: (!queue.is_fifo()).then_some(entry.sent),
            received_before: record.received_before.saturating_add(entry.count),
            may_be_duplicate: false,
            is_alone: self.taken.len() == 1,
        };
        match queue.prepare(arrival).await {
            Ok((prepared, _)) if !fits(&mut self.moved_bytes, &prepared) => return Ok(false),
            Ok((mut prepared, sent)) => {
                prepared.join(&mut self.transaction);
                self.moved.push(prepared);
                delete(&mut self.transaction, &self.queue, &entry);
                let to = queue.settings().arn.clone();
                let step = What::Sent { to, role: "dead-letter queue".to_owned(), id: sent.id.clone() };
                self.steps.push((sent.id, step));
            }
            Err(error @ QueueError::Store(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(queue = self.queue.id().0, %error, "a dead-letter queue takes nothing");
                self.hand_out(index, record);
            }
        }
        Ok(true)
    }

    async fn commit(mut self) -> Result<Vec<Message>, QueueError> {
        if let (Some(attempt), false) = (&self.request.attempt_id, self.messages.is_empty()) {
            let after: Vec<Entry> = self.settling.work.items.iter().filter_map(|item| item.after).collect();
            attempts::remember(&mut self.transaction, self.queue.rows(), attempt, self.now, &after);
        }
        let outcome = if self.transaction.mutations.is_empty() {
            (targets::Settled::Committed, Ok(()))
        } else {
            self.queue.commit(self.transaction).await
        };
        let (settled, result) = outcome;
        if result.is_ok() && !self.queue.is_untraced() {
            self.steps.into_iter().for_each(|(id, what)| self.queue.trace(id, what));
        }
        self.settling.settle(settled);
        self.moved.into_iter().for_each(|moved| moved.settle(settled));
        result.map(|()| self.messages)
    }
}

/// Adds: remove the message.
pub(crate) fn delete(transaction: &mut Transaction, queue: &Queue, entry: &Entry) {
    let rows = queue.rows();
    transaction.mutations.push(Mutation::Delete(rows.entry(entry)));
    record::delete(&mut transaction.mutations, rows, entry.sent, entry.seq, entry.parts);
    transaction.mutations.push(Mutation::Add(rows.count.clone(), -1));
}

/// What a message is once it has been received, and what its receiver gets.
pub(crate) fn receive(
    queue: &Queue,
    before: Entry,
    record: Record,
    visibility_timeout: Option<Duration>,
    now: Timestamp,
) -> (Entry, Message) {
    let visibility_timeout = visibility_timeout.unwrap_or(queue.settings().visibility_timeout);
    let after = before.received(now, visibility_timeout, queue.platform().ids.bits());
    (after, message(queue, &after, record))
}

/// The message as its receiver gets it.
pub(crate) fn message(queue: &Queue, entry: &Entry, record: Record) -> Message {
    let is_fifo = queue.is_fifo();
    Message {
        receipt: Claim::new(entry, &record.id, is_fifo).receipt(queue.id()),
        id: record.id,
        body: record.body,
        attributes: record.attributes,
        sender_id: record.sender_id,
        sent: entry.sent,
        first_received: entry.first_received,
        receive_count: record.received_before.saturating_add(entry.count),
        sequence_number: is_fifo.then_some(entry.seq),
        group_id: record.group_id,
        deduplication_id: record.deduplication_id,
        trace_header: record.trace_header,
        dead_letter_source: record.dead_letter_source,
    }
}

/// The message as it is sent on.
pub(crate) fn new_message(record: Record) -> NewMessage {
    NewMessage {
        id: record.id,
        body: record.body,
        attributes: record.attributes,
        sender_id: record.sender_id,
        delay: None,
        group_id: record.group_id,
        deduplication_id: record.deduplication_id,
        trace_header: record.trace_header,
        dead_letter_source: None,
        from: None,
    }
}
