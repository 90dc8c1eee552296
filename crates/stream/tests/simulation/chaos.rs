//! A store that fails, and dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ids::IdSource;
use store::{CommitError, MemoryStore, Snapshot, Store, StoreError, Transaction, Version};

/// Chance, drawn from the seed.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Arc<IdSource>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(IdSource::seeded(seed)))
    }

    pub(crate) fn split(&self) -> Self {
        Self(Arc::new(self.0.split()))
    }

    /// Below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.bits() % end
    }

    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Others go first.
    pub(crate) async fn dawdle(&self, turns_max: u64) {
        for _ in 0..self.below(turns_max + 1) {
            tokio::task::yield_now().await;
        }
    }
}

/// What one run of the server sees of the store.
#[derive(Debug)]
pub(crate) struct Chaos {
    disk: Arc<MemoryStore>,
    chance: Chance,
    is_faulty: AtomicBool,
    is_dead: AtomicBool,
}

impl Chaos {
    pub(crate) fn new(disk: Arc<MemoryStore>, chance: Chance, is_faulty: bool) -> Self {
        Self { disk, chance, is_faulty: is_faulty.into(), is_dead: false.into() }
    }

    /// Kills the server: nothing of it reaches the disk any more.
    pub(crate) fn kill(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn behave(&self) {
        self.is_faulty.store(false, Ordering::Relaxed);
    }

    fn happens(&self, percent: u64) -> bool {
        self.is_faulty.load(Ordering::Relaxed) && self.chance.percent(percent)
    }
}

#[async_trait]
impl Store for Chaos {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.chance.dawdle(1).await;
        if self.is_dead.load(Ordering::Relaxed) || self.happens(2) {
            return Err(StoreError::Unavailable("chaos".to_owned()));
        }
        let snapshot = self.disk.snapshot().await;
        // What is read may be old by the time it is looked at.
        self.chance.dawdle(2).await;
        snapshot
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        self.chance.dawdle(4).await;
        if self.is_dead.load(Ordering::Relaxed) || self.happens(4) {
            return Err(CommitError::Unavailable("chaos".to_owned()));
        }
        let unknown = || CommitError::Unknown("chaos".to_owned());
        if self.happens(3) {
            return Err(unknown());
        }
        let committed = self.disk.commit(transaction).await;
        self.chance.dawdle(4).await;
        if self.happens(3) { Err(unknown()) } else { committed }
    }
}
