//! Sending.

use std::collections::HashMap;
use std::time::Duration;

use clock::{Timestamp, execution_timeout};
use store::{CommitError, Mutation, Transaction};
use targets::{Prepared, Settled, What};

use crate::entry::Entry;
use crate::handing::receive;
use crate::head::Item;
use crate::queue::Queue;
use crate::record::{Encoded, Record};
use crate::settling::Settling;
use crate::{DeduplicationScope, Fifo, NewMessage, QueueError, Sent, Settings, hash, tokens};

/// How long a duplicate waits for the first one's commit, in execution time.
const DUPLICATE_WAIT: Duration = Duration::from_secs(10);

/// A message on its way in.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) message: NewMessage,
    /// When it was first sent, if it keeps that: retention counts on.
    pub(crate) sent: Option<Timestamp>,
    /// How often it was received in other queues.
    pub(crate) received_before: u32,
    /// A message that comes from another queue is never a duplicate: it would be lost.
    pub(crate) may_be_duplicate: bool,
    /// It may be given to whoever waits at once. Several are left to be taken together.
    pub(crate) is_alone: bool,
}

impl From<NewMessage> for Arrival {
    fn from(message: NewMessage) -> Self {
        Self { message, sent: None, received_before: 0, may_be_duplicate: true, is_alone: true }
    }
}

impl Arrival {
    /// Fills in what a FIFO queue needs. Returns what it is deduplicated by.
    fn admit(&mut self, settings: &Settings) -> Result<Option<[u8; 16]>, QueueError> {
        let Some(fifo) = &settings.fifo else { return Ok(None) };
        let group = self.message.group_id.as_deref().ok_or(QueueError::GroupRequired)?;
        let id = match self.message.deduplication_id.take() {
            Some(id) => id,
            None if fifo.content_based_deduplication => hash::of_body(&self.message.body),
            None if !self.may_be_duplicate => self.message.id.clone(),
            None => return Err(QueueError::DeduplicationRequired),
        };
        let token = token(*fifo, group, &id);
        self.message.deduplication_id = Some(id);
        Ok(self.may_be_duplicate.then_some(token))
    }

    fn record(self, at: Timestamp) -> Record {
        let NewMessage { id, body, attributes, sender_id, group_id, deduplication_id, .. } = self.message;
        Record {
            id,
            sender_id,
            at,
            attributes,
            group_id,
            deduplication_id,
            trace_header: self.message.trace_header,
            dead_letter_source: self.message.dead_letter_source,
            received_before: self.received_before,
            body,
        }
    }
}

fn token(fifo: Fifo, group: &str, id: &str) -> [u8; 16] {
    match fifo.deduplication_scope {
        DeduplicationScope::Queue => hash::hash_u128(&[b"send", id.as_bytes()]),
        DeduplicationScope::MessageGroup => hash::hash_u128(&[b"send", id.as_bytes(), group.as_bytes()]),
    }
}

impl Queue {
    /// What is to be written to have `message` in the queue: for whoever hands it over within a commit of its own. For a
    /// duplicate in a FIFO queue there is nothing to write. Whoever begins that commit must see it through, and say how it
    /// ended: one that is dropped while it is on its way counts as not applied.
    ///
    /// # Errors
    /// When the message lacks what a FIFO queue needs, the queue was removed, or the store fails.
    pub async fn prepare_send(&self, message: NewMessage) -> Result<(Prepared, Sent), QueueError> {
        self.prepare(message.into()).await
    }

    /// Sends in one commit; one result for each, in order. The order holds in a FIFO queue.
    pub async fn send(&self, messages: Vec<NewMessage>) -> Vec<Result<Sent, QueueError>> {
        let mut batch = Batch::default();
        let settings = self.settings();
        let is_alone = messages.len() == 1;
        for message in messages {
            let mut arrival = Arrival { is_alone, ..message.into() };
            let token = match arrival.admit(&settings) {
                Ok(token) => token,
                Err(error) => {
                    batch.results.push(Err(error));
                    continue;
                }
            };
            if let Some(first) = token.and_then(|token| batch.tokens.get(&token)).copied() {
                let sent = batch.results[first].clone();
                batch.ours.push(batch.results.len());
                batch.results.push(sent);
                continue;
            }
            if let Some(token) = token
                && !batch.prepared.is_empty()
                && self.on_head(|head, _| Some(head.tokens.contains(&token))).await.unwrap_or(false)
            {
                // Whoever waits for others must not be waited for.
                batch.commit(self).await;
            }
            let prepared = self.prepare_admitted(arrival, &settings, token).await;
            batch.add(prepared, token);
        }
        batch.commit(self).await;
        batch.results
    }

    pub(crate) async fn prepare(&self, mut arrival: Arrival) -> Result<(Prepared, Sent), QueueError> {
        let settings = self.settings();
        let token = arrival.admit(&settings)?;
        self.prepare_admitted(arrival, &settings, token).await
    }

    async fn prepare_admitted(
        &self,
        arrival: Arrival,
        settings: &Settings,
        token: Option<[u8; 16]>,
    ) -> Result<(Prepared, Sent), QueueError> {
        let mut settling = match token {
            Some(token) => match self.reserve(token).await? {
                Reserved::Free(settling) => settling,
                Reserved::Duplicate(sent) => {
                    return Ok((Prepared::new(sent.id.clone(), Transaction::new(), |_| {}), sent));
                }
            },
            None => Settling::new(self, crate::head::Work::default()),
        };
        let group = hash::group(arrival.message.group_id.as_deref());
        let delay = match settings.fifo {
            Some(_) => Duration::ZERO,
            None => arrival.message.delay.unwrap_or(settings.delay),
        };
        let is_offered = arrival.is_alone && delay.is_zero();
        // A cancelled request must not leave a number behind that others wait for: nothing waits from here on.
        let numbered = self.on_head(|head, hold| {
            let (seq, now, limit) = head.number(group);
            settling.work.sequence_limit = limit;
            settling.work.items.push(Item { seq, before: None, after: None });
            let sent = arrival.sent.unwrap_or(now);
            let receiver = if is_offered { head.keep_receiver(sent, hold) } else { None };
            Some((seq, now, sent, limit, receiver))
        });
        let (seq, now, sent, limit, receiver) = numbered.await?;
        let from = arrival.message.from.clone();
        let record = arrival.record(now + delay);
        let encoded = record.encode()?;
        let id = record.id.clone();
        let (by, size_bytes) = (record.sender_id.clone(), record.body.len() as u64);
        let mut steps = vec![What::Accepted { by, from, size_bytes }];
        let mut entry = Entry::fresh(seq, sent, record.at, group, encoded.parts);
        let given = receiver.map(|receiver| {
            let (received, message) = receive(self, entry, record, receiver.visibility_timeout(), now);
            entry = received;
            steps.push(What::Received { count: message.receive_count });
            (receiver, message)
        });
        if self.is_untraced() {
            steps.clear();
        }
        settling.work.items[0].after = Some(entry);
        let mut part = self.arrival_part(&entry, &encoded, limit);
        if let Some(token) = token {
            self.remember(&mut part, &token, &id, seq, now);
        }
        let answer = Sent { id: id.clone(), sequence_number: settings.fifo.is_some().then_some(seq) };
        let queue = self.clone();
        let prepared = Prepared::new(id.clone(), part, move |settled| {
            if settled == Settled::Committed {
                steps.into_iter().for_each(|what| queue.trace(id.clone(), what));
            }
            settling.settle(settled);
            if let (Settled::Committed, Some((receiver, message))) = (settled, given) {
                receiver.give(queue, message);
            }
        });
        Ok((prepared, answer))
    }

    fn arrival_part(&self, entry: &Entry, encoded: &Encoded, limit: Option<u64>) -> Transaction {
        let rows = self.rows();
        let mut part = Transaction::new();
        part.mutations.reserve(4 + usize::from(encoded.parts));
        encoded.put(&mut part.mutations, rows, entry.sent, entry.seq);
        part.mutations.push(Mutation::Put(rows.entry(entry), entry.encode().into()));
        part.mutations.push(Mutation::Add(rows.count.clone(), 1));
        if let Some(limit) = limit {
            part.mutations.push(Mutation::Put(rows.sequence_limit(limit), store::Bytes::new()));
        }
        part
    }

    fn remember(&self, part: &mut Transaction, token: &[u8; 16], id: &str, seq: u64, now: Timestamp) {
        let mut what = seq.to_be_bytes().to_vec();
        what.extend_from_slice(id.as_bytes());
        tokens::put(&mut part.mutations, self.rows(), token, now, &what);
        if seq.is_multiple_of(tokens::TRIM_EVERY) {
            let queue = self.clone();
            self.platform().tasks.spawn_until_shutdown("queue-tokens", async move {
                if let Err(error) = queue.trim_tokens().await {
                    tracing::warn!(queue = queue.id().0, %error, "old deduplication ids stay for now");
                }
            });
        }
    }
}

/// Whether a token is free.
enum Reserved {
    Free(Settling),
    /// What was sent with it before.
    Duplicate(Sent),
}

impl Queue {
    /// Waits for a message with the same token that is being sent, then looks for one that was.
    async fn reserve(&self, token: [u8; 16]) -> Result<Reserved, QueueError> {
        let reserving = async {
            loop {
                let settled = self.settled();
                if self.on_head(|head, _| Some(head.tokens.insert(token))).await? {
                    return Ok::<_, QueueError>(Settling::with_token(self, token));
                }
                settled.await;
            }
        };
        let settling = execution_timeout(DUPLICATE_WAIT, reserving).await.unwrap_or_else(|_| {
            let text = "a message with the same deduplication id is still being sent".to_owned();
            Err(CommitError::Unavailable(text).into())
        })?;
        let snapshot = self.platform().store.snapshot().await?;
        let now = self.platform().clock.now();
        match tokens::find(&*snapshot, self.rows(), &token, now).await? {
            None => Ok(Reserved::Free(settling)),
            Some((_, what)) => {
                let damaged = || store::StoreError::Damaged("a deduplication token".to_owned());
                let (seq, id) = what.split_first_chunk().ok_or_else(damaged)?;
                let id = std::str::from_utf8(id).map_err(|_| damaged())?.to_owned();
                let sequence_number = Some(u64::from_be_bytes(*seq));
                Ok(Reserved::Duplicate(Sent { id, sequence_number }))
            }
        }
    }
}

/// Messages that are sent together.
#[derive(Default)]
struct Batch {
    results: Vec<Result<Sent, QueueError>>,
    /// Those that depend on this commit.
    ours: Vec<usize>,
    tokens: HashMap<[u8; 16], usize>,
    transaction: Transaction,
    prepared: Vec<Prepared>,
}

impl Batch {
    fn add(&mut self, prepared: Result<(Prepared, Sent), QueueError>, token: Option<[u8; 16]>) {
        let index = self.results.len();
        self.results.push(prepared.map(|(mut prepared, sent)| {
            if !prepared.part.mutations.is_empty() {
                prepared.join(&mut self.transaction);
                self.prepared.push(prepared);
                self.ours.push(index);
                if let Some(token) = token {
                    self.tokens.insert(token, index);
                }
            }
            sent
        }));
    }

    async fn commit(&mut self, queue: &Queue) {
        let prepared = std::mem::take(&mut self.prepared);
        if prepared.is_empty() {
            return;
        }
        let (transaction, ours) = (std::mem::take(&mut self.transaction), std::mem::take(&mut self.ours));
        let committing = queue.clone();
        let outcome = queue.see_through(async move {
            let (settled, outcome) = committing.commit(transaction).await;
            prepared.into_iter().for_each(|prepared| prepared.settle(settled));
            outcome
        });
        if let Err(error) = outcome.await {
            for index in ours {
                self.results[index] = Err(error.clone());
            }
        }
    }
}
