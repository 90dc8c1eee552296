//! Messages that are older than the retention period.

use clock::{Hold, Timestamp};
use store::{Mutation, Snapshot, StoreError, Transaction};
use targets::What;

use crate::QueueError;
use crate::entry::Entry;
use crate::handing::delete;
use crate::hash;
use crate::head::Item;
use crate::loading::decode;
use crate::order::Which;
use crate::queue::Queue;
use crate::record::{self, Record};
use crate::rows::{at_position, position_of};
use crate::settling::Settling;

/// Messages removed in one commit.
const PAGE: usize = 256;
/// Rows removed in one commit.
const ROWS: usize = 512;
/// How the story of a message ends that nobody took.
const CONDITION: &str = "RetentionPeriodExpired";
/// When a message that is too old is just being received, it is looked for again after so long.
const AGAIN_MICROS: i64 = 1_000_000;

/// A message that is to be removed.
pub(crate) struct Doomed {
    pub(crate) which: Which,
    pub(crate) parts: u16,
}

/// Messages that are too old, and what else was found.
struct Old {
    messages: Vec<Doomed>,
    /// Their numbers and ids, as far as they could be read.
    ids: Vec<(u64, String)>,
    /// When the first one was sent that is not too old.
    oldest: Option<Timestamp>,
}

impl Queue {
    /// Removes all messages that are too old. They are never received, so nobody has to wait for it.
    pub(crate) fn start_expiry(&self, hold: Hold) {
        let queue = self.clone();
        self.platform().tasks.spawn_until_shutdown("queue-expiry", async move {
            if let Err(error) = queue.expire().await {
                tracing::warn!(queue = queue.id().0, %error, "messages that are too old stay in the store for now");
            }
            queue.locked(|head, _| head.is_expiring = false);
            drop(hold);
        });
    }

    /// Removes all messages that are too old, as of now: this gives their room back and has them counted no more.
    pub(crate) async fn expire(&self) -> Result<(), QueueError> {
        while self.locked(|head, _| head.has_expired()) {
            self.expire_some().await?;
        }
        Ok(())
    }

    async fn expire_some(&self) -> Result<(), QueueError> {
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
        self.delete_those(&old.messages, &mut settling, &mut transaction).await?;
        let is_busy = settling.work.items.len() < old.messages.len();
        let removed: Vec<u64> = settling.work.items.iter().map(|item| item.seq).collect();
        let (settled, result) = self.commit(transaction).await;
        settling.settle(settled);
        result?;
        if !self.is_untraced() {
            for (_, id) in old.ids.into_iter().filter(|(seq, _)| removed.contains(seq)) {
                self.trace(id, What::Ended { condition: CONDITION.to_owned() });
            }
        }
        let again = Timestamp::from_micros(cutoff.as_micros() + AGAIN_MICROS);
        let is_more = old.messages.len() == PAGE;
        self.locked(|head, _| match old.oldest {
            _ if is_busy => head.oldest = Some(again),
            _ if is_more => {}
            oldest => head.oldest = oldest.into_iter().chain(head.oldest_news).min(),
        });
        Ok(())
    }

    /// Adds: remove these messages, without those that somebody is about to change. They were read before they are
    /// taken, so it is looked again whether they are still there.
    pub(crate) async fn delete_those(
        &self,
        messages: &[Doomed],
        settling: &mut Settling,
        transaction: &mut Transaction,
    ) -> Result<(), QueueError> {
        let mut taken = Vec::with_capacity(messages.len());
        for doomed in messages {
            self.locked(|head, _| {
                let Which { seq, sent, at, group, .. } = doomed.which;
                // What is in flight must be known: its row would be left behind. A purge sees to all rows.
                let is_known = head.is_loaded || seq < head.floor;
                if is_known && !head.is_busy(seq) {
                    let before = head.take_any(&doomed.which);
                    settling.work.items.push(Item { seq, before, after: None });
                    taken.push(before.unwrap_or(Entry::fresh(seq, sent, at, group, doomed.parts)));
                }
            });
        }
        let snapshot = self.platform().store.snapshot().await?;
        for entry in taken {
            if snapshot.get(&self.rows().message(entry.sent, entry.seq)).await?.is_some() {
                delete(transaction, self, &entry);
            }
        }
        Ok(())
    }

    async fn read_old(&self, snapshot: &dyn Snapshot, cutoff: Timestamp) -> Result<Old, StoreError> {
        let rows = self.rows();
        let messages = &rows.messages;
        let end = store::prefix_end(messages);
        let mut old = Old { messages: Vec::new(), ids: Vec::new(), oldest: None };
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
            let group = record.as_ref().map_or(0, |record| hash::group(record.group_id.as_deref()));
            let at = record.as_ref().map_or(sent, |record| record.at);
            let which = Which { seq, group, sent, at, is_fresh: record.is_some() };
            old.ids.extend(record.map(|record| (seq, record.id)));
            old.messages.push(Doomed { which, parts: record::parts_of(&stored.value) });
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
            for stored in snapshot.range(table, &end, ROWS, false).await? {
                // A clock that was set back may have had it received before it was sent.
                if decode(rows, table, &stored)?.sent <= cutoff {
                    transaction.mutations.push(Mutation::Delete(stored.key));
                }
            }
        }
        Ok(())
    }
}
