//! What happens when in all queues, open or not.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clock::Timestamp;
use store::{Bytes, KeyReader, Snapshot, StoreError, key, prefix_end};
use targets::{Agenda, Due};

use crate::entry::Entry;
use crate::loading::{read_delayed, read_waiting};
use crate::record::Record;
use crate::rows::{Rows, WAITING};
use crate::{Queue, QueueId, Queues};

#[async_trait]
impl Agenda for Queues {
    async fn due(&self, limit: usize) -> Vec<Due> {
        match self.all_due(limit).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "what is due in queues could not be read");
                Vec::new()
            }
        }
    }
}

/// A wait, and whose.
struct Wait {
    queue: QueueId,
    at: Timestamp,
    entry: Entry,
}

impl Queues {
    async fn all_due(&self, limit: usize) -> Result<Vec<Due>, StoreError> {
        let snapshot = self.platform.store.snapshot().await?;
        let now = self.platform.clock.now();
        let mut waits = Vec::new();
        for id in waiting_queues(&*snapshot).await? {
            let entries = read_waiting(&*snapshot, &Rows::new(&id), now, limit).await?;
            waits.extend(entries.into_iter().map(|entry| Wait { queue: id.clone(), at: entry.at, entry }));
            keep_first(&mut waits, limit);
        }
        let open: BTreeMap<QueueId, Queue> =
            self.open.lock().iter().map(|(id, queue)| (id.clone(), queue.clone())).collect();
        for queue in open.values() {
            let delay = queue.settings().delay;
            if queue.is_fifo() && !delay.is_zero() {
                let entries = read_delayed(&*snapshot, queue.rows(), now, delay, limit).await?;
                let wait = |entry: Entry| Wait { queue: queue.id().clone(), at: entry.at + delay, entry };
                waits.extend(entries.into_iter().map(wait));
                keep_first(&mut waits, limit);
            }
        }
        let mut due = Vec::with_capacity(waits.len());
        for Wait { queue, at, entry } in waits {
            let record = Record::read(&*snapshot, &Rows::new(&queue), entry.sent, entry.seq).await;
            let Ok(Some(record)) = record else { continue };
            let what = if entry.count > 0 { "visibility timeout ends" } else { "delay ends" };
            let resource = open.get(&queue).map_or(queue.0, |queue| queue.settings().arn.clone());
            due.push(Due { at, what: what.to_owned(), resource, id: record.id });
        }
        Ok(due)
    }
}

fn keep_first(waits: &mut Vec<Wait>, limit: usize) {
    waits.sort_by_key(|wait| (wait.at, wait.entry.seq));
    waits.truncate(limit);
}

/// The queues that have messages that wait or waited.
async fn waiting_queues(snapshot: &dyn Snapshot) -> Result<Vec<QueueId>, StoreError> {
    let table = key(&[WAITING.into()]);
    let end = prefix_end(&table);
    let mut from: Bytes = table.clone();
    let mut queues = Vec::new();
    while let Some(first) = snapshot.range(&from, &end, 1, false).await?.into_iter().next() {
        let id = QueueId(KeyReader::new(&first.key[table.len()..]).str()?);
        from = prefix_end(&Rows::new(&id).waiting);
        queues.push(id);
    }
    Ok(queues)
}
