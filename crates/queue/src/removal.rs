//! Purging a queue, and removing one for good: at once for everybody, and in the background for the store.

use std::sync::Arc;
use std::time::Duration;

use clock::{execution_sleep, execution_timeout};
use store::{Bytes, CommitError, KeyReader, Mutation, SharedStore, Transaction, prefix_end};
use targets::{Prepared, Settled};
use tokio::task::JoinHandle;

use crate::expiry::Doomed;
use crate::order::Which;
use crate::queue::Queue;
use crate::queues::Platform;
use crate::record::parts_of;
use crate::rows::{REMOVED, Rows, position_of, removed};
use crate::settling::Settling;
use crate::{QueueError, QueueId, Queues};

/// Messages removed in one commit.
const PAGE: usize = 64;
/// Rows removed in one commit.
const ROWS: usize = 512;
/// How long a purge waits for its end: that of a queue with few messages is over when it is answered.
const PURGE_WAIT: Duration = Duration::from_millis(500);
/// How long to wait for a store that failed.
const RETRY_WAIT: Duration = Duration::from_secs(5);

impl Queue {
    /// Deletes all messages that were sent before. None of them is received any more once this returns; a great many
    /// are counted for some time yet while they go in the background, also after a restart.
    ///
    /// # Errors
    /// When the queue was removed or the store fails.
    pub async fn purge(&self) -> Result<(), QueueError> {
        let floor = self.on_head(|head, _| Some(head.next_number())).await?;
        let queue = self.clone();
        let mark = Transaction::new().mutate(Mutation::Put(self.rows().floor_at(floor), Bytes::new()));
        self.see_through(async move {
            let (settled, result) = queue.commit(mark).await;
            match settled {
                Settled::Committed => queue.locked(|head, hold| head.purge(floor, hold)),
                Settled::Unknown => queue.locked(|head, hold| head.unload(hold)),
                Settled::Abandoned => {}
            }
            result
        })
        .await?;
        if let Some(sweep) = self.start_sweep(floor) {
            // If it takes longer it goes on.
            let _ = execution_timeout(PURGE_WAIT, sweep).await;
        }
        Ok(())
    }

    /// Has what is left of messages with numbers below `floor` removed, unless somebody does.
    pub(crate) fn start_sweep(&self, floor: u64) -> Option<JoinHandle<()>> {
        let is_first = self.locked(|head, _| {
            let before = head.swept;
            head.swept = before.max(floor);
            before < floor
        });
        let queue = self.clone();
        is_first.then(|| {
            self.platform().tasks.spawn_until_shutdown("queue-purge", async move {
                while let Err(error) = queue.sweep(floor).await {
                    tracing::warn!(queue = queue.id().0, %error, "purged messages stay in the store for now");
                    execution_sleep(RETRY_WAIT).await;
                }
            })
        })
    }

    async fn sweep(&self, floor: u64) -> Result<(), QueueError> {
        // What is being done with one of them ends first.
        loop {
            let settled = self.settled();
            if !self.locked(|head, _| head.is_busy_below(floor)) {
                break;
            }
            settled.await;
        }
        let mut after = Bytes::new();
        while let Some(next) = self.sweep_messages(floor, after).await? {
            after = next;
        }
        for table in [&self.rows().line, &self.rows().waiting] {
            let mut after = Bytes::new();
            while let Some(next) = self.sweep_rows(table, floor, after).await? {
                after = next;
            }
        }
        // A later purge has a row of its own.
        let done = Mutation::DeleteRange(self.rows().floor.clone(), next_key(&self.rows().floor_at(floor)));
        self.commit(Transaction::new().mutate(done)).await.1
    }

    /// Where the next page begins.
    async fn sweep_messages(&self, floor: u64, after: Bytes) -> Result<Option<Bytes>, QueueError> {
        let _turn = self.reading_turn().await;
        let messages = &self.rows().messages;
        let from = if after.is_empty() { messages.clone() } else { after };
        let snapshot = self.platform().store.snapshot().await?;
        let stored = snapshot.range(&from, &prefix_end(messages), PAGE, false).await?;
        let mut doomed = Vec::with_capacity(stored.len());
        for message in &stored {
            let (sent, seq) = position_of(messages, message)?;
            if seq < floor {
                let which = Which { seq, group: 0, sent, at: sent, is_fresh: false };
                doomed.push(Doomed { which, parts: parts_of(&message.value) });
            }
        }
        let mut settling = Settling::of(self, &[]);
        let mut transaction = Transaction::new();
        self.delete_those(&doomed, &mut settling, &mut transaction).await?;
        let next = stored.last().filter(|_| stored.len() == PAGE).map(|last| next_key(&last.key));
        if transaction.mutations.is_empty() {
            settling.settle(Settled::Committed);
            return Ok(next);
        }
        let queue = self.clone();
        self.see_through(async move {
            let (settled, result) = queue.commit(transaction).await;
            settling.settle(settled);
            result.map(|()| next)
        })
        .await
    }

    async fn sweep_rows(&self, table: &Bytes, floor: u64, after: Bytes) -> Result<Option<Bytes>, QueueError> {
        let from = if after.is_empty() { table.clone() } else { after };
        let snapshot = self.platform().store.snapshot().await?;
        let stored = snapshot.range(&from, &prefix_end(table), ROWS, false).await?;
        let mut transaction = Transaction::new();
        for row in &stored {
            if position_of(table, row)?.1 < floor {
                transaction.mutations.push(Mutation::Delete(row.key.clone()));
            }
        }
        if !transaction.mutations.is_empty() {
            self.commit(transaction).await.1?;
        }
        Ok(stored.last().filter(|_| stored.len() == ROWS).map(|last| next_key(&last.key)))
    }
}

fn next_key(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

impl Queues {
    /// What is to be written to have the queue and all its messages removed. Once it is committed the queue answers
    /// [`QueueError::Removed`], and its rows go in the background, also after a restart.
    pub fn prepare_remove(&self, id: &QueueId) -> Prepared {
        let part = Transaction::new().mutate(Mutation::Put(removed(id), Bytes::new()));
        let (queues, removed) = (self.clone(), id.clone());
        Prepared::new(id.0.clone(), part, move |settled| {
            if settled != Settled::Committed {
                return;
            }
            let queue = queues.open.lock().remove(&removed);
            if let Some(queue) = &queue {
                queue.locked(|head, hold| head.remove(hold));
                queue.tell_settled();
            }
            let platform = queues.platform.clone();
            queues.platform.tasks.spawn_until_shutdown("queue-removal", async move {
                if let Some(queue) = queue {
                    queue.idle().await;
                }
                finish(&platform, &removed).await;
            });
        })
    }

    /// [`Queues::prepare_remove`] in a commit of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, id: &QueueId) -> Result<(), QueueError> {
        let mut removal = self.prepare_remove(id);
        let transaction = std::mem::take(&mut removal.part);
        let store = self.platform.store.clone();
        let removing = self.platform.tasks.spawn("queue-removal", async move {
            match store.commit(transaction).await {
                Ok(_) => {
                    removal.committed();
                    Ok(())
                }
                Err(error) => Err(error.into()),
            }
        });
        removing.await.unwrap_or_else(|error| Err(CommitError::Unknown(error.to_string()).into()))
    }
}

impl Queue {
    /// Completes when nothing is being done with any message.
    async fn idle(&self) {
        loop {
            let settled = self.settled();
            if !self.locked(|head, _| head.is_busy_below(u64::MAX)) {
                return;
            }
            settled.await;
        }
    }
}

/// Goes on with removals that a restart interrupted.
pub(crate) async fn finish_all(platform: Arc<Platform>) {
    let table = store::key(&[REMOVED.into()]);
    let marked = match platform.store.snapshot().await {
        Ok(snapshot) => snapshot.range(&table, &prefix_end(&table), usize::MAX, false).await,
        Err(error) => Err(error),
    };
    match marked {
        Ok(marked) => {
            for mark in marked {
                if let Ok(id) = KeyReader::new(&mark.key[table.len()..]).str() {
                    finish(&platform, &QueueId(id)).await;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "removed queues stay in the store for now"),
    }
}

async fn finish(platform: &Platform, id: &QueueId) {
    while let Err(error) = remove_rows(&platform.store, id).await {
        tracing::warn!(queue = id.0, %error, "a removed queue stays in the store for now");
        execution_sleep(RETRY_WAIT).await;
    }
}

async fn remove_rows(store: &SharedStore, id: &QueueId) -> Result<(), QueueError> {
    let rows = Rows::new(id);
    for table in rows.all() {
        loop {
            let stored = store.snapshot().await?.range(table, &prefix_end(table), PAGE, false).await?;
            let Some(last) = stored.last() else { break };
            let range = Mutation::DeleteRange(table.clone(), next_key(&last.key));
            store.commit(Transaction::new().mutate(range)).await?;
        }
    }
    store.commit(Transaction::new().mutate(Mutation::Delete(removed(id)))).await?;
    Ok(())
}
