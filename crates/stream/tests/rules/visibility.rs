//! Readers see what is known to be on disk, and nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use clock::VirtualClock;
use store::{CommitError, MemoryStore, Snapshot, Store, StoreError, Transaction, Version};
use stream::{Position, Streams};
use tasks::Tasks;
use tokio::sync::Semaphore;

use crate::harness::{ALL, FIRST, START, id, record, settings, settle, soon};

/// A store whose commits are answered when the test says so.
#[derive(Debug)]
struct Late {
    disk: MemoryStore,
    answers: Semaphore,
}

#[async_trait]
impl Store for Late {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.disk.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        let committed = self.disk.commit(transaction).await;
        self.answers.acquire().await.unwrap().forget();
        committed
    }
}

#[tokio::test]
async fn a_record_is_not_seen_before_its_commit_is_known() {
    let store = Arc::new(Late { disk: MemoryStore::new(), answers: Semaphore::new(2) });
    let clock = Arc::new(VirtualClock::new(START));
    let tasks = Tasks::new();
    // Without any room everything is read from the store.
    let stream = Streams::tight(0, store.clone(), clock, tasks.clone()).open(id(), settings());
    let mut shards = stream.prepare_shards(1);
    let mut transaction = Transaction::new();
    shards.join(&mut transaction);
    store.commit(transaction).await.unwrap();
    shards.committed();
    stream.put(vec![record("a", "1")]).await.unwrap();
    let putting = stream.clone();
    let put = tasks.spawn("put", async move { putting.put(vec![record("a", "2")]).await });
    settle().await;
    let latest = stream.resolve(FIRST, Position::Latest).await.unwrap();
    let read = stream.read(FIRST, Position::TrimHorizon, ALL).await.unwrap();
    assert_eq!(read.records.len(), 1);
    store.answers.add_permits(1);
    soon(put).await.unwrap();
    // It came after both of them.
    for position in [latest, read.next] {
        assert_eq!(stream.read(FIRST, position, ALL).await.unwrap().records.len(), 1);
    }
}
