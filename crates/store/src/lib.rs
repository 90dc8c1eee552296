//! The ordered, transactional store that every service's state is a layer over.
//!
//! Reads see a snapshot. A commit is data: point checks and mutations, no interactive transaction and no range
//! conflicts. When [`Store::commit`] returns `Ok`, the change is on disk. This is FoundationDB's model within
//! FoundationDB's limits, so that engines can be exchanged; `docs/decisions` says why.

mod apply;
mod embedded;
mod key;
mod memory;
mod table;
mod transaction;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
pub use bytes::Bytes;

pub use embedded::EmbeddedStore;
pub use key::{KeyPart, KeyReader, key, prefix_end};
pub use memory::{Applied, MemoryStore};
pub use table::{Record, Row, Table, TableError};
pub use transaction::{Check, CommitError, Fence, Mutation, StoreError, Transaction, Version};

/// The store as every service holds it.
pub type SharedStore = Arc<dyn Store>;

/// One stored entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The whole key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// Which commit wrote it.
    pub version: Version,
}

/// The most a key, a value and a transaction may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes in a key.
    pub key_bytes: usize,
    /// Bytes in a value.
    pub value_bytes: usize,
    /// Bytes of keys and values in a transaction.
    pub transaction_bytes: usize,
}

impl Limits {
    /// What every backend can hold (FoundationDB's and PostgreSQL's limits, whichever is lower).
    pub const PORTABLE: Self = Self { key_bytes: 2_304, value_bytes: 65_536, transaction_bytes: 8 << 20 };
}

/// An ordered key-value store with snapshot reads and durable, checked commits.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// A consistent view of now. It stays what it is while others commit.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Applies `transaction` if all its checks hold, and returns once it is durable.
    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError>;
}

/// A consistent read view.
#[async_trait]
pub trait Snapshot: Send + Sync {
    /// The entry under `key`.
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError>;

    /// Entries with `from <= key < to`, in order (descending when `reverse`), at most `limit`.
    async fn range(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Entry>, StoreError>;
}
