//! A commit is data, so that many callers' commits merge into one write to disk.

use bytes::Bytes;

/// Numbers commits: a later commit has a greater version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u64);

/// What must hold for a transaction to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The key's entry was written by this version.
    Version(Bytes, Version),
    /// The key has no entry.
    Absent(Bytes),
    /// The key has an entry.
    Present(Bytes),
    /// The key's value is this.
    Equals(Bytes, Bytes),
}

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// Writes an entry.
    Put(Bytes, Bytes),
    /// Removes an entry, if there is one.
    Delete(Bytes),
    /// Removes all entries with `from <= key < to`.
    DeleteRange(Bytes, Bytes),
    /// Adds to a little-endian i64 counter; an absent one counts as zero. Overflow saturates.
    Add(Bytes, i64),
}

/// Proof of ownership: the lease under `lease_key` must still hold `epoch` (little-endian u64 value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Where the lease is stored.
    pub lease_key: Bytes,
    /// The epoch under which the writer took it.
    pub epoch: u64,
}

/// Checks and mutations that are applied together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transaction {
    /// All must hold against the state before this transaction.
    pub checks: Vec<Check>,
    /// Applied in order.
    pub mutations: Vec<Mutation>,
    /// A writer that lost its lease changes nothing.
    pub fence: Option<Fence>,
}

impl Transaction {
    /// An empty transaction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Adds a mutation.
    #[must_use]
    pub fn mutate(mut self, mutation: Mutation) -> Self {
        self.mutations.push(mutation);
        self
    }
}

/// A read that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine or the disk failed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another process has it open.
    #[error("another process has {0} open")]
    InUse(String),
    /// What is stored cannot be understood.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// A commit that was not, or perhaps not, applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// A check did not hold; this is its key. Nothing was changed.
    #[error("a check did not hold")]
    Conflict(Bytes),
    /// The writer is not the owner any more. Nothing was changed.
    #[error("the writer lost its lease")]
    Fenced,
    /// A key, a value or the whole is larger than [`crate::Limits`] allow. Nothing was changed.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The reply was lost: the change may or may not have been applied.
    #[error("the commit's outcome is unknown: {0}")]
    Unknown(String),
    /// The engine or the disk failed. Nothing was acknowledged.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
