//! FIFO topics: sequence numbers, and no message twice within five minutes. Source: Amazon SNS developer guide,
//! "Message ordering details for FIFO topics" and "Message deduplication for FIFO topics".
//!
//! Publications to one topic take turns up to the end of their commits, so that queues get them in the order of their
//! numbers. The number's row is checked by each commit, which keeps the order even if the turns did not.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use clock::Timestamp;
use sha2::{Digest, Sha256};
use store::{CommitError, Snapshot, Transaction, prefix_end};
use tokio::sync::{Mutex, MutexGuard};

use crate::Sns;
use crate::background;
use crate::errors::{Failure, Outcome};
use crate::message::Publication;
use crate::publish::{BODY_BYTES_MAX, batch_of};
use crate::subscription::hex;
use crate::tables::fifo::{RECENT, RECENT_ENDS, Recent, SEQUENCES};
use crate::tables::topic::TopicRecord;
use crate::topic::{TRIES_MAX, TopicKey};
use crate::topics;

/// "The deduplication interval is 5 minutes."
const DEDUPLICATION_INTERVAL: Duration = Duration::from_secs(300);

/// AWS's numbers have 20 digits.
const SEQUENCE_START: u64 = 10_000_000_000_000_000_000;

/// Rows that have ended and are removed with each publication: more than it adds.
const ENDED_AT_ONCE: usize = 32;

const TURNS: usize = 64;

/// Turns of topics; several may share one.
#[derive(Debug)]
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits for the topic's turn.
    pub(crate) async fn take(&self, topic_id: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        topic_id.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0);
        self.0[index].lock().await
    }
}

/// Publishes messages to a FIFO topic.
///
/// # Errors
/// `NotFound`, or our own fault.
pub(crate) async fn publish(
    sns: &Sns,
    key: &TopicKey,
    publications: Vec<Publication>,
) -> Outcome<Vec<(String, Option<u64>)>> {
    let id = topics::get(sns, key).await?.record.id.clone();
    let _turn = sns.turns.take(&id).await;
    let mut budget = BODY_BYTES_MAX;
    for _ in 0..TRIES_MAX {
        let topic = topics::get(sns, key).await?;
        let id = &topic.record.id;
        // What was written down by those before must not be overtaken.
        background::publication::finish_all_of(sns, id).await?;
        let snapshot = sns.snapshot().await?;
        let mut numbered = Numbered::read(sns, &*snapshot, &topic.record).await?;
        let mut known = Vec::with_capacity(publications.len());
        let mut fresh = Vec::new();
        for publication in &publications {
            let mut publication = publication.clone();
            let (message_id, number) = numbered.number(&*snapshot, &publication).await?;
            if message_id == publication.id {
                publication.sequence_number = Some(number);
                fresh.push(publication);
            }
            known.push((message_id, Some(number)));
        }
        if fresh.is_empty() {
            return Ok(known);
        }
        let transaction = numbered.finish()?;
        let batch = batch_of(sns, &topic, &fresh, transaction, budget).await?;
        match batch.commit(sns).await {
            Ok(()) => {
                // Those who come next find this done.
                background::publication::finish_all_of(sns, id).await?;
                return Ok(known);
            }
            Err(CommitError::Conflict(_)) => {}
            Err(CommitError::TooLarge(_)) if budget > 0 => budget = 0,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Conflict)
}

/// The numbers of one commit.
struct Numbered<'a> {
    topic: &'a TopicRecord,
    now: Timestamp,
    row: Option<store::Row<u64>>,
    last: u64,
    /// What this commit adds to what was published lately.
    added: HashMap<String, Recent>,
    transaction: Transaction,
}

impl<'a> Numbered<'a> {
    async fn read(sns: &Sns, snapshot: &dyn Snapshot, topic: &'a TopicRecord) -> Outcome<Self> {
        let now = sns.parts.clock.now();
        let row = SEQUENCES.get(snapshot, &[(&topic.id).into()]).await?;
        let last = row.as_ref().map_or(SEQUENCE_START - 1, |row| row.record);
        let mut transaction = Transaction::new();
        let from = RECENT_ENDS.key(&[(&topic.id).into()]);
        let to = prefix_end(&RECENT_ENDS.key(&[(&topic.id).into(), now.into()]));
        for row in RECENT_ENDS.scan(snapshot, &from, &to, ENDED_AT_ONCE, false).await? {
            let mut parts = RECENT_ENDS.read_key(&row.key)?;
            let (id, until, hash) = (parts.str()?, parts.timestamp()?, parts.str()?);
            RECENT.delete(&mut transaction, &[(&id).into(), (&hash).into()]);
            RECENT_ENDS.delete(&mut transaction, &[(&id).into(), until.into(), (&hash).into()]);
        }
        Ok(Self { topic, now, row, last, added: HashMap::new(), transaction })
    }

    /// The id and the number that a message is known by: its own, or that of the one it repeats.
    async fn number(&mut self, snapshot: &dyn Snapshot, publication: &Publication) -> Outcome<(String, u64)> {
        let id = &self.topic.id;
        let hash = self.hash(publication);
        let stored = RECENT.get(snapshot, &[id.into(), (&hash).into()]).await?.map(|row| row.record);
        let first = self.added.get(&hash).cloned().or(stored);
        if let Some(first) = first {
            if first.until > self.now {
                return Ok((first.message_id, first.sequence_number));
            }
            RECENT_ENDS.delete(&mut self.transaction, &[id.into(), first.until.into(), (&hash).into()]);
        }
        self.last += 1;
        let until = self.now + DEDUPLICATION_INTERVAL;
        let recent = Recent { message_id: publication.id.clone(), sequence_number: self.last, until };
        self.added.insert(hash, recent);
        Ok((publication.id.clone(), self.last))
    }

    /// What makes another message a duplicate of this one.
    fn hash(&self, publication: &Publication) -> String {
        let mut hash = Sha256::new();
        if self.topic.deduplicates_within_groups() {
            hash.update(publication.group_id.as_deref().unwrap_or_default());
        }
        hash.update([0]);
        hash.update(publication.deduplication_id.as_deref().unwrap_or_default());
        hex(&hash.finalize())
    }

    fn finish(mut self) -> Outcome<Transaction> {
        let id = &self.topic.id;
        match &self.row {
            Some(row) => SEQUENCES.update(&mut self.transaction, row, &self.last)?,
            None => SEQUENCES.insert(&mut self.transaction, &[id.into()], &self.last)?,
        }
        for (hash, recent) in &self.added {
            RECENT.put(&mut self.transaction, &[id.into(), hash.into()], recent)?;
            let parts = [id.into(), recent.until.into(), hash.into()];
            RECENT_ENDS.put(&mut self.transaction, &parts, &())?;
        }
        Ok(self.transaction)
    }
}
