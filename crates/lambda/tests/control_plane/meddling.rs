//! A store in which something else happens right before a commit: what other requests do at the same time.

use std::fmt::{Debug, Formatter, Result as FmtResult};
use std::sync::Mutex;

use async_trait::async_trait;
use futures::future::BoxFuture;
use store::{CommitError, MemoryStore, Snapshot, Store, StoreError, Transaction, Version};

#[derive(Default)]
pub(crate) struct MeddledStore {
    store: MemoryStore,
    before_next_commit: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Debug for MeddledStore {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        self.store.fmt(f)
    }
}

impl MeddledStore {
    /// Has this done between what the next commit was made of and the commit itself.
    pub(crate) fn meddle(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.before_next_commit.lock().unwrap() = Some(Box::pin(work));
    }
}

#[async_trait]
impl Store for MeddledStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        let meddling = self.before_next_commit.lock().unwrap().take();
        if let Some(work) = meddling {
            work.await;
        }
        self.store.commit(transaction).await
    }
}
