//! Messages that are older than the retention period.

use clock::Timestamp;
use store::{Mutation, Snapshot, StoreError, Transaction};

use crate::QueueError;
use crate::entry::Entry;
use crate::handing::delete;
use crate::hash;
use crate::head::Item;
use crate::order::Which;
use crate::queue::Queue;
use crate::record::{self, Record};
use crate::rows::{at_position, position_of};
use crate::settling::Settling;

/// Messages removed in one commit.
const PAGE: usize = 64;
/// Rows removed in one commit.
const ROWS: usize = 512;
/// When a message that is too old is just being received, it is looked for again after so long.
const AGAIN_MICROS: i64 = 1_000_000;

/// Messages that are too old, and what else was found.
struct Old {
    messages: Vec<(Timestamp, u64, Option<Record>, u16)>,
    /// When the first one was sent that is not too old.
    oldest: Option<Timestamp>,
}

impl Queue {
    /// Removes some messages that are too old, as of now. They are never received; this gives their room back and
    /// has them counted no more.
    pub(crate) async fn expire(&self) -> Result<(), QueueError> {
        let turn = self.reading_turn().await;
        let (cutoff, has_expired) = self.locked(|head, _| (head.cutoff(), head.has_expired()));
        if !has_expired {
            return Ok(());
        }
        let queue = self.clone();
        let removed = self.see_through(async move { queue.remove_old(cutoff).await }).await;
        drop(turn);
        removed
    }

    async fn remove_old(&self, cutoff: Timestamp) -> Result<(), QueueError> {
        self.locked(|head, _| head.oldest_news = None);
        let snapshot = self.platform().store.snapshot().await?;
        let old = self.read_old(&*snapshot, cutoff).await?;
        let mut transaction = Transaction::new();
        self.add_old_rows(&*snapshot, cutoff, &mut transaction).await?;
        drop(snapshot);
        let mut settling = Settling::of(self, &[]);
        let mut is_busy = false;
        for (sent, seq, record, parts) in &old.messages {
            let group = record.as_ref().map_or(0, |record| hash::group(record.group_id.as_deref()));
            let at = record.as_ref().map_or(*sent, |record| record.at);
            let which = Which { seq: *seq, group, sent: *sent, at, is_fresh: record.is_some() };
            let taken = self.locked(|head, _| {
                if head.is_busy(*seq) {
                    return None;
                }
                let before = head.take_any(&which);
                settling.work.items.push(Item { seq: *seq, before, after: None });
                Some(before.unwrap_or(Entry::fresh(*seq, *sent, at, group, *parts)))
            });
            match taken {
                Some(entry) => delete(&mut transaction, self, &entry),
                None => is_busy = true,
            }
        }
        let (settled, result) = self.commit(transaction).await;
        settling.settle(settled);
        result?;
        let again = Timestamp::from_micros(cutoff.as_micros() + AGAIN_MICROS);
        let is_more = old.messages.len() == PAGE;
        self.locked(|head, _| match old.oldest {
            _ if is_busy => head.oldest = Some(again),
            _ if is_more => {}
            oldest => head.oldest = oldest.into_iter().chain(head.oldest_news).min(),
        });
        Ok(())
    }

    async fn read_old(&self, snapshot: &dyn Snapshot, cutoff: Timestamp) -> Result<Old, StoreError> {
        let rows = self.rows();
        let messages = &rows.messages;
        let end = store::prefix_end(messages);
        let mut old = Old { messages: Vec::new(), oldest: None };
        for stored in snapshot.range(messages, &end, PAGE, false).await? {
            let (sent, seq) = position_of(messages, &stored)?;
            if sent > cutoff {
                old.oldest = Some(sent);
                break;
            }
            let record = match Record::read(snapshot, rows, sent, seq).await {
                Err(StoreError::Damaged(_)) => None,
                record => record?,
            };
            old.messages.push((sent, seq, record, record::parts_of(&stored.value)));
        }
        Ok(old)
    }

    /// Rows of messages that could be received so long ago are of messages that are too old, or gone.
    async fn add_old_rows(
        &self,
        snapshot: &dyn Snapshot,
        cutoff: Timestamp,
        transaction: &mut Transaction,
    ) -> Result<(), StoreError> {
        let rows = self.rows();
        for table in [&rows.waiting, &rows.line] {
            let end = at_position(table, (cutoff, u64::MAX));
            let stored = snapshot.range(table, &end, ROWS, false).await?;
            transaction.mutations.extend(stored.into_iter().map(|stored| Mutation::Delete(stored.key)));
        }
        Ok(())
    }
}
