//! The store of a simulation: everything in memory, and failures on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::apply::{State, apply, check_limits};
use crate::{CommitError, Entry, Snapshot, Store, StoreError, Transaction, Version};

type Entries = BTreeMap<Bytes, (Bytes, Version)>;

/// A store that keeps nothing when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Shared with the snapshots; a commit copies it only while one is alive.
    entries: Arc<Entries>,
    version: Version,
    next_failure: Option<(CommitError, Applied)>,
}

/// Whether a commit that is made to fail takes effect all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It changes nothing.
    No,
    /// It is applied, and only the reply is lost: what [`CommitError::Unknown`] is about.
    Yes,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next commit answer with `error`.
    pub fn fail_next_commit(&self, error: CommitError, applied: Applied) {
        self.lock().next_failure = Some((error, applied));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Checks come before changes, so a panic in between leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(MemorySnapshot(Arc::clone(&self.lock().entries))))
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        check_limits(&transaction)?;
        let mut inner = self.lock();
        let failure = inner.next_failure.take();
        if let Some((error, Applied::No)) = failure {
            return Err(error);
        }
        let version =
            if transaction.mutations.is_empty() { inner.version } else { Version(inner.version.0 + 1) };
        apply(&mut Latest(&mut inner.entries), &transaction, version)?;
        inner.version = version;
        match failure {
            Some((error, _)) => Err(error),
            None => Ok(version),
        }
    }
}

struct Latest<'a>(&'a mut Arc<Entries>);

impl State for Latest<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<(Bytes, Version)>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn put(&mut self, key: &Bytes, value: &Bytes, version: Version) -> Result<(), StoreError> {
        Arc::make_mut(self.0).insert(key.clone(), (value.clone(), version));
        Ok(())
    }

    fn delete(&mut self, key: &Bytes) -> Result<(), StoreError> {
        Arc::make_mut(self.0).remove(key);
        Ok(())
    }

    fn delete_range(&mut self, from: &Bytes, to: &Bytes) -> Result<(), StoreError> {
        let entries = Arc::make_mut(self.0);
        let doomed: Vec<Bytes> =
            entries.range(from.clone()..to.clone()).map(|(key, _)| key.clone()).collect();
        for key in doomed {
            entries.remove(&key);
        }
        Ok(())
    }
}

struct MemorySnapshot(Arc<Entries>);

#[async_trait]
impl Snapshot for MemorySnapshot {
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        Ok(self.0.get_key_value(key).map(entry))
    }

    async fn range(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Entry>, StoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.0.range(Bytes::copy_from_slice(from)..Bytes::copy_from_slice(to)).map(entry);
        Ok(if reverse { range.rev().take(limit).collect() } else { range.take(limit).collect() })
    }
}

fn entry((key, (value, version)): (&Bytes, &(Bytes, Version))) -> Entry {
    Entry { key: key.clone(), value: value.clone(), version: *version }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mutation;

    #[tokio::test]
    async fn one_commit_fails_on_demand_with_or_without_effect() {
        let store = MemoryStore::new();
        let write = || Transaction::new().mutate(Mutation::Add(Bytes::from_static(b"n"), 1));
        let unknown = || CommitError::Unknown("lost".to_owned());
        for (applied, expected) in [(Applied::No, None), (Applied::Yes, Some(1))] {
            store.fail_next_commit(unknown(), applied);
            assert!(matches!(store.commit(write()).await, Err(CommitError::Unknown(_))));
            let stored = store.snapshot().await.unwrap().get(b"n").await.unwrap();
            let count = stored.map(|entry| i64::from_le_bytes(entry.value[..].try_into().unwrap()));
            assert_eq!(count, expected);
        }
        store.commit(write()).await.unwrap();
    }
}
