//! A store that fails now and then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ids::IdSource;
use store::{
    Applied, CommitError, Entry, MemoryStore, Mutation, Snapshot, Store, StoreError, Transaction, Version,
};

/// How often a commit fails while faults are on.
const SHARE: f64 = 0.04;

/// A memory store whose commits fail by chance: refused, or with a reply that is lost.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: MemoryStore,
    chance: Mutex<IdSource>,
    on: AtomicBool,
}

impl FaultyStore {
    pub(crate) fn new(chance: IdSource) -> Self {
        Self { inner: MemoryStore::new(), chance: Mutex::new(chance), on: AtomicBool::new(false) }
    }

    /// Whether commits may fail from now on.
    pub(crate) fn set_faulty(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    /// Everything that is stored.
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.inner.snapshot().await.unwrap().range(&[], &[0xff], usize::MAX, false).await.unwrap()
    }

    /// Takes over what another store held.
    pub(crate) async fn fill(&self, entries: &[Entry]) {
        let puts = entries.iter().map(|entry| Mutation::Put(entry.key.clone(), entry.value.clone()));
        let transaction = Transaction { mutations: puts.collect(), ..Transaction::new() };
        self.inner.commit(transaction).await.unwrap();
    }

    fn maybe_fail(&self) {
        let chance = self.chance.lock().unwrap();
        if !self.on.load(Ordering::Relaxed) || chance.unit() >= SHARE {
            return;
        }
        match chance.bits() % 3 {
            0 => self.inner.fail_next_commit(CommitError::Unavailable("no space".to_owned()), Applied::No),
            1 => self.inner.fail_next_commit(CommitError::Unknown("lost".to_owned()), Applied::No),
            _ => self.inner.fail_next_commit(CommitError::Unknown("lost".to_owned()), Applied::Yes),
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.inner.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        self.maybe_fail();
        self.inner.commit(transaction).await
    }
}

/// The store as one process has it. What is left of a process that was killed never reaches the disk any more.
#[derive(Debug)]
pub(crate) struct Handle {
    store: Arc<FaultyStore>,
    killed: AtomicBool,
}

impl Handle {
    pub(crate) fn new(store: Arc<FaultyStore>) -> Self {
        Self { store, killed: AtomicBool::new(false) }
    }

    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
    }

    async fn outlive(&self) {
        if self.killed.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Store for Handle {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.outlive().await;
        self.store.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        // A commit takes a while: others get their turn before and after it, and the process may end.
        tokio::task::yield_now().await;
        self.outlive().await;
        let outcome = self.store.commit(transaction).await;
        tokio::task::yield_now().await;
        self.outlive().await;
        outcome
    }
}
