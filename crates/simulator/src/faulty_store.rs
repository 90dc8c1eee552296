//! A store that fails, and dies.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use store::{CommitError, SharedStore, Snapshot, Store, StoreError, Transaction, Version};

use crate::Chance;

/// What one process sees of the disk, which outlives it. Everything takes a while.
#[derive(Debug)]
pub struct FaultyStore {
    disk: SharedStore,
    chance: Chance,
    fault_percent: AtomicU64,
    is_dead: AtomicBool,
    may_be_late: fn(&Transaction) -> bool,
    late: Mutex<Vec<Transaction>>,
}

impl FaultyStore {
    /// Without faults yet.
    #[must_use]
    pub fn new(disk: SharedStore, chance: Chance) -> Self {
        let (fault_percent, is_dead) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { disk, chance, fault_percent, is_dead, may_be_late: |_| false, late: Mutex::default() }
    }

    /// Commits whose reply is lost may be applied before a later one, if they are such as `may_be_late` says.
    #[must_use]
    pub fn late(self, may_be_late: fn(&Transaction) -> bool) -> Self {
        Self { may_be_late, ..self }
    }

    /// From now on each kind of fault happens so many times in a hundred: reads fail, commits are refused, are lost,
    /// or their reply is.
    pub fn fail(&self, percent: u64) {
        self.fault_percent.store(percent, Ordering::Relaxed);
    }

    /// Kills the process: nothing of it reaches the disk any more, and whoever turns to the store never comes back.
    pub fn kill(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    fn fails(&self) -> bool {
        self.chance.percent(self.fault_percent.load(Ordering::Relaxed))
    }

    /// Others go first; the process may end meanwhile.
    async fn dawdle(&self, turns_max: u64) {
        self.chance.dawdle(turns_max).await;
        if self.is_dead.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    async fn apply_late(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for transaction in late {
            let _may_conflict = self.disk.commit(transaction).await;
        }
    }

    fn lose(&self, transaction: Transaction) {
        if (self.may_be_late)(&transaction) && self.chance.percent(50) {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).push(transaction);
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.dawdle(1).await;
        if self.fails() {
            return Err(StoreError::Unavailable("a fault".to_owned()));
        }
        let snapshot = self.disk.snapshot().await;
        // What is read may be old by the time it is looked at.
        self.dawdle(2).await;
        snapshot
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        self.dawdle(4).await;
        if self.fails() {
            return Err(CommitError::Unavailable("a fault".to_owned()));
        }
        self.apply_late().await;
        let unknown = || CommitError::Unknown("a fault".to_owned());
        if self.fails() {
            self.lose(transaction);
            return Err(unknown());
        }
        let committed = self.disk.commit(transaction).await;
        self.dawdle(4).await;
        if committed.is_ok() && self.fails() { Err(unknown()) } else { committed }
    }
}

#[cfg(test)]
mod tests;
