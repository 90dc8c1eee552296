//! Removing a stream for good: at once for everybody, and in the background for the store.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use store::{Bytes, KeyReader, Mutation, Transaction, key, prefix_end};
use targets::{Prepared, Settled};

use crate::rows::{REMOVED, Rows, next_key, removed};
use crate::stream::Stream;
use crate::streams::Platform;
use crate::{StreamError, StreamId};

/// Rows removed in one commit.
const PAGE: usize = 64;
/// How long to wait for a store that failed.
const RETRY_WAIT: Duration = Duration::from_secs(5);

impl Stream {
    /// What is to be written to delete all of it. Its records go in the background, also after a restart; readers and
    /// writers get [`StreamError::Removed`] once it is committed.
    pub fn prepare_remove(&self) -> Prepared {
        let part = Transaction::new().mutate(Mutation::Put(removed(self.id()), Bytes::new()));
        let stream = self.clone();
        Prepared::new(self.id().0.clone(), part, move |settled| match settled {
            Settled::Abandoned => {}
            // If it was, whoever loads it sees that it was; its rows go after the next start.
            Settled::Unknown => stream.unload(),
            Settled::Committed => stream.begin_removal(),
        })
    }

    fn begin_removal(self) {
        self.locked(|head, hold| head.remove(hold));
        if let Some(open) = self.inner().open.upgrade() {
            open.lock().remove(self.id());
        }
        let tasks = self.platform().tasks.clone();
        tasks.spawn_until_shutdown("stream-removal", async move {
            self.writer_idle().await;
            let _turn = self.inner().trimming.lock().await;
            finish(self.platform(), self.id()).await;
        });
    }

    /// Completes when nothing is being written.
    async fn writer_idle(&self) {
        loop {
            let idle = self.inner().idle.notified();
            if !self.locked(|head, _| head.is_writing) {
                return;
            }
            idle.await;
        }
    }
}

/// Goes on with removals that a restart interrupted.
pub(crate) async fn finish_all(platform: Arc<Platform>) {
    let table = key(&[REMOVED.into()]);
    let marked = match platform.store.snapshot().await {
        Ok(snapshot) => snapshot.range(&table, &prefix_end(&table), usize::MAX, false).await,
        Err(error) => Err(error),
    };
    match marked {
        Ok(marked) => {
            for mark in marked {
                if let Ok(id) = KeyReader::new(&mark.key[table.len()..]).str() {
                    finish(&platform, &StreamId(id)).await;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "removed streams stay in the store for now"),
    }
}

async fn finish(platform: &Platform, id: &StreamId) {
    while let Err(error) = remove_rows(platform, id).await {
        tracing::warn!(stream = id.0, %error, "a removed stream stays in the store for now");
        execution_sleep(RETRY_WAIT).await;
    }
}

async fn remove_rows(platform: &Platform, id: &StreamId) -> Result<(), StreamError> {
    let rows = Rows::new(id);
    for table in rows.all() {
        loop {
            let stored =
                platform.store.snapshot().await?.range(table, &prefix_end(table), PAGE, false).await?;
            let Some(last) = stored.last() else { break };
            let range = Mutation::DeleteRange(table.clone(), next_key(&last.key));
            platform.store.commit(Transaction::new().mutate(range)).await?;
        }
    }
    platform.store.commit(Transaction::new().mutate(Mutation::Delete(removed(id)))).await?;
    Ok(())
}
