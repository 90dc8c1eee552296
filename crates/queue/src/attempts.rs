//! A receive of a FIFO queue that is tried again gets what it got (`ReceiveRequestAttemptId`).

use clock::Timestamp;
use store::{Mutation, StoreError, Transaction};

use crate::entry::Entry;
use crate::handing::message;
use crate::hash::hash_u128;
use crate::head::Head;
use crate::queue::Queue;
use crate::record::Record;
use crate::rows::Rows;
use crate::settling::Settling;
use crate::{Message, QueueError, Receive, tokens};

fn token(attempt: &str) -> [u8; 16] {
    hash_u128(&[b"receive", attempt.as_bytes()])
}

/// Adds: remember what this attempt got.
pub(crate) fn remember(
    transaction: &mut Transaction,
    rows: &Rows,
    attempt: &str,
    now: Timestamp,
    got: &[Entry],
) {
    let mut what = Vec::with_capacity(got.len() * 24);
    for entry in got {
        what.extend_from_slice(&entry.seq.to_be_bytes());
        what.extend_from_slice(&entry.nonce.to_be_bytes());
        what.extend_from_slice(&entry.at.as_micros().to_be_bytes());
    }
    tokens::put(&mut transaction.mutations, rows, &token(attempt), now, &what);
}

/// A message as an attempt got it.
struct Got {
    seq: u64,
    nonce: u64,
    at: Timestamp,
}

fn parse(what: &[u8]) -> Result<Vec<Got>, StoreError> {
    let (entries, rest) = what.as_chunks::<24>();
    if !rest.is_empty() {
        return Err(StoreError::Damaged("what an attempt got".to_owned()));
    }
    let number = |entry: &[u8; 24], index: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&entry[index * 8..][..8]);
        u64::from_be_bytes(bytes)
    };
    let got = |entry: &[u8; 24]| Got {
        seq: number(entry, 0),
        nonce: number(entry, 1),
        at: Timestamp::from_micros(number(entry, 2).cast_signed()),
    };
    Ok(entries.iter().map(got).collect())
}

/// All of them, if none was deleted, became visible or too old, or had its visibility changed.
fn take_unchanged(head: &mut Head, got: &[Got]) -> Option<Vec<Entry>> {
    let cutoff = head.cutoff();
    let is_same =
        |entry: &Entry, got: &Got| entry.nonce == got.nonce && entry.at == got.at && entry.sent > cutoff;
    let is_unchanged = |got: &Got| head.in_flight(got.seq).is_some_and(|entry| is_same(entry, got));
    if !got.iter().all(is_unchanged) {
        return None;
    }
    Some(got.iter().filter_map(|got| head.take_in_flight(got.seq)).collect())
}

impl Queue {
    /// The same messages with the same receipts, hidden anew; nothing when the attempt is a new one.
    pub(crate) async fn repeat_attempt(&self, request: &Receive) -> Result<Option<Vec<Message>>, QueueError> {
        let Some(attempt) = request.attempt_id.as_ref().filter(|_| self.is_fifo()) else { return Ok(None) };
        let now = self.platform().clock.now();
        let snapshot = self.platform().store.snapshot().await?;
        let Some((_, what)) = tokens::find(&*snapshot, self.rows(), &token(attempt), now).await? else {
            return Ok(None);
        };
        let got = parse(&what)?;
        let Some(taken) = self.on_head(|head, _| Some(take_unchanged(head, &got))).await? else {
            return Ok(None);
        };
        let settling = Settling::of(self, &taken);
        let (queue, attempt) = (self.clone(), attempt.clone());
        let timeout = request.visibility_timeout.unwrap_or(self.settings().visibility_timeout);
        self.see_through(
            async move { queue.hide_anew(settling, taken, &attempt, now + timeout).await.map(Some) },
        )
        .await
    }

    async fn hide_anew(
        &self,
        mut settling: Settling,
        taken: Vec<Entry>,
        attempt: &str,
        at: Timestamp,
    ) -> Result<Vec<Message>, QueueError> {
        let snapshot = self.platform().store.snapshot().await?;
        let (mut transaction, mut messages) = (Transaction::new(), Vec::new());
        let rows = self.rows();
        let after: Vec<Entry> = taken.iter().map(|entry| Entry { at, ..*entry }).collect();
        for (index, (before, after)) in taken.iter().zip(&after).enumerate() {
            let record = Record::read(&*snapshot, rows, before.sent, before.seq).await?;
            let gone = || StoreError::Damaged("a message in flight is not there".to_owned());
            messages.push(message(self, after, record.ok_or_else(gone)?));
            transaction.mutations.push(Mutation::Delete(rows.entry(before)));
            transaction.mutations.push(Mutation::Put(rows.entry(after), after.encode().into()));
            settling.work.items[index].after = Some(*after);
        }
        let now = self.platform().clock.now();
        remember(&mut transaction, rows, attempt, now, &after);
        let (settled, result) = self.commit(transaction).await;
        settling.settle(settled);
        result.map(|()| messages)
    }
}
