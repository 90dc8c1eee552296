//! Typed tables: serde records under tuple keys.
//!
//! Records are JSON: it describes itself, so a field can be added (`#[serde(default)]`) and a damaged entry can be
//! read by eye. Reads take a snapshot; changes are added to a [`Transaction`], so that what must happen together,
//! in however many tables, is one commit.

use std::fmt::{Debug, Formatter, Result as FmtResult};
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    Check, CommitError, Entry, KeyPart, KeyReader, Limits, Mutation, Snapshot, Store, StoreError,
    Transaction, Version, key, prefix_end,
};

/// Where the parts of large records lie, beside the tables.
const CHUNKS: &str = "chunk";
/// Ends a row's key within a chunk's key. Smaller than every tag, so the chunks of a row are never among those of
/// a row whose key is longer.
const CHUNK_MARK: u8 = 0x01;
/// Begins the value of a row that stands in chunks: no JSON text begins with it. The number of chunks follows.
const IN_CHUNKS: u8 = 0x00;

/// What a table holds.
pub trait Record: Serialize + DeserializeOwned + Send + 'static {}

impl<R: Serialize + DeserializeOwned + Send + 'static> Record for R {}

/// A table operation that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TableError {
    /// A read failed, or a record or key cannot be understood.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A commit failed, or a record is too large for one.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<R> {
    /// The whole key; [`Table::read_key`] takes it apart, [`Table::list`] goes on after it.
    pub key: Bytes,
    /// Which commit wrote it.
    pub version: Version,
    /// What was stored.
    pub record: R,
}

/// The records whose keys begin with the table's name.
pub struct Table<R> {
    name: &'static str,
    large: bool,
    record: PhantomData<fn() -> R>,
}

impl<R> Debug for Table<R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<R: Record> Table<R> {
    /// A table whose records are at most [`Limits::value_bytes`] long as JSON; a longer one is refused. The name
    /// must be the program's only one of its kind.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, large: false, record: PhantomData }
    }

    /// A table whose records may be as long as a transaction: they are split over several entries where they must
    /// be. A table may become large later, but not the other way.
    #[must_use]
    pub const fn of_large_records(name: &'static str) -> Self {
        Self { name, large: true, record: PhantomData }
    }

    /// The whole key of the row with these parts, or the common prefix of all rows that begin with them.
    #[must_use]
    pub fn key(&self, parts: &[KeyPart<'_>]) -> Bytes {
        let mut whole = Vec::with_capacity(parts.len() + 1);
        whole.push(KeyPart::Str(self.name));
        whole.extend_from_slice(parts);
        key(&whole)
    }

    /// Takes a row's key apart.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the key is not one of this table.
    pub fn read_key<'a>(&self, key: &'a [u8]) -> Result<KeyReader<'a>, StoreError> {
        let mut reader = KeyReader::new(key);
        if reader.str()? == self.name {
            Ok(reader)
        } else {
            Err(StoreError::Damaged(format!("a key is not one of table {}", self.name)))
        }
    }

    /// The row with exactly these key parts.
    ///
    /// # Errors
    /// When the read fails or the record cannot be understood.
    pub async fn get(
        &self,
        snapshot: &dyn Snapshot,
        parts: &[KeyPart<'_>],
    ) -> Result<Option<Row<R>>, TableError> {
        match snapshot.get(&self.key(parts)).await? {
            Some(entry) => Ok(Some(self.row(snapshot, entry).await?)),
            None => Ok(None),
        }
    }

    /// [`Table::get`] from a snapshot of now.
    ///
    /// # Errors
    /// When the read fails or the record cannot be understood.
    pub async fn get_now(
        &self,
        store: &dyn Store,
        parts: &[KeyPart<'_>],
    ) -> Result<Option<Row<R>>, TableError> {
        self.get(&*store.snapshot().await?, parts).await
    }

    /// At most `limit` rows whose keys begin with these parts, in order, from the first one after the key
    /// `after` (a [`Row::key`] or a [`Table::key`], whether or not there is such a row).
    ///
    /// # Errors
    /// When the read fails or a record cannot be understood.
    pub async fn list(
        &self,
        snapshot: &dyn Snapshot,
        parts: &[KeyPart<'_>],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row<R>>, TableError> {
        let prefix = self.key(parts);
        let to = prefix_end(&prefix);
        let from = match after {
            Some(after) if after >= &prefix[..] => [after, &[0]].concat().into(),
            _ => prefix,
        };
        self.scan(snapshot, &from, &to, limit, false).await
    }

    /// At most `limit` rows with `from <= key < to`, in order (descending when `reverse`). Both ends are made with
    /// [`Table::key`] and [`prefix_end`].
    ///
    /// # Errors
    /// When the read fails or a record cannot be understood.
    pub async fn scan(
        &self,
        snapshot: &dyn Snapshot,
        from: &[u8],
        to: &[u8],
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row<R>>, TableError> {
        let entries = snapshot.range(from, to, limit, reverse).await?;
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            rows.push(self.row(snapshot, entry).await?);
        }
        Ok(rows)
    }

    /// Adds: write this record, whatever was there.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] when the record is too long for this table.
    pub fn put(
        &self,
        transaction: &mut Transaction,
        parts: &[KeyPart<'_>],
        record: &R,
    ) -> Result<(), TableError> {
        self.put_at(transaction, self.key(parts), record)
    }

    /// Adds: write this record if there is none under this key. Otherwise the commit answers
    /// [`CommitError::Conflict`] with [`Table::key`].
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] when the record is too long for this table.
    pub fn insert(
        &self,
        transaction: &mut Transaction,
        parts: &[KeyPart<'_>],
        record: &R,
    ) -> Result<(), TableError> {
        let key = self.key(parts);
        transaction.checks.push(Check::Absent(key.clone()));
        self.put_at(transaction, key, record)
    }

    /// Adds: write this record if `row` is still what is stored. Otherwise the commit answers
    /// [`CommitError::Conflict`] with the row's key.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] when the record is too long for this table.
    pub fn update(&self, transaction: &mut Transaction, row: &Row<R>, record: &R) -> Result<(), TableError> {
        transaction.checks.push(Check::Version(row.key.clone(), row.version));
        self.put_at(transaction, row.key.clone(), record)
    }

    /// Adds: remove the row with these key parts, if there is one.
    pub fn delete(&self, transaction: &mut Transaction, parts: &[KeyPart<'_>]) {
        self.delete_at(transaction, self.key(parts));
    }

    /// Adds: remove this row if it is still what is stored. Otherwise the commit answers
    /// [`CommitError::Conflict`] with the row's key.
    pub fn delete_row(&self, transaction: &mut Transaction, row: &Row<R>) {
        transaction.checks.push(Check::Version(row.key.clone(), row.version));
        self.delete_at(transaction, row.key.clone());
    }

    /// Adds: remove all rows whose keys begin with these parts.
    pub fn delete_all(&self, transaction: &mut Transaction, parts: &[KeyPart<'_>]) {
        let prefix = self.key(parts);
        if self.large {
            let chunks = chunks_under(&prefix);
            transaction.mutations.push(Mutation::DeleteRange(chunks.clone().into(), prefix_end(&chunks)));
        }
        let end = prefix_end(&prefix);
        transaction.mutations.push(Mutation::DeleteRange(prefix, end));
    }

    fn put_at(&self, transaction: &mut Transaction, key: Bytes, record: &R) -> Result<(), TableError> {
        let json: Bytes = serde_json::to_vec(record)
            .map_err(|error| StoreError::Damaged(format!("a record of {} is no JSON: {error}", self.name)))?
            .into();
        let value_bytes_max = Limits::PORTABLE.value_bytes;
        if !self.large {
            if json.len() > value_bytes_max {
                let text = format!("a record of {} of {} bytes", self.name, json.len());
                return Err(CommitError::TooLarge(text).into());
            }
            transaction.mutations.push(Mutation::Put(key, json));
            return Ok(());
        }
        // There may be chunks of the record that this one replaces.
        transaction.mutations.push(delete_chunks(&key));
        if json.len() <= value_bytes_max {
            transaction.mutations.push(Mutation::Put(key, json));
            return Ok(());
        }
        let chunks = u32::try_from(json.len().div_ceil(value_bytes_max))
            .map_err(|_| CommitError::TooLarge(format!("a record of {}", self.name)))?;
        for index in 0..chunks {
            let start = index as usize * value_bytes_max;
            let chunk = json.slice(start..json.len().min(start + value_bytes_max));
            transaction.mutations.push(Mutation::Put(chunk_key(&key, index), chunk));
        }
        let head = [&[IN_CHUNKS][..], &chunks.to_be_bytes()].concat();
        transaction.mutations.push(Mutation::Put(key, head.into()));
        Ok(())
    }

    fn delete_at(&self, transaction: &mut Transaction, key: Bytes) {
        if self.large {
            transaction.mutations.push(delete_chunks(&key));
        }
        transaction.mutations.push(Mutation::Delete(key));
    }

    async fn row(&self, snapshot: &dyn Snapshot, entry: Entry) -> Result<Row<R>, TableError> {
        let Entry { key, value, version } = entry;
        let json = match value.split_first() {
            Some((&IN_CHUNKS, count)) => self.read_chunks(snapshot, &key, count).await?,
            _ => value,
        };
        let record = serde_json::from_slice(&json)
            .map_err(|error| StoreError::Damaged(format!("a record of {}: {error}", self.name)))?;
        Ok(Row { key, version, record })
    }

    async fn read_chunks(
        &self,
        snapshot: &dyn Snapshot,
        key: &[u8],
        count: &[u8],
    ) -> Result<Bytes, StoreError> {
        let damaged = || StoreError::Damaged(format!("a large record of {} lacks parts", self.name));
        let count = count.try_into().map(u32::from_be_bytes).map_err(|_| damaged())?;
        let (from, to) = (chunk_key(key, 0), chunk_key(key, count));
        let chunks = snapshot.range(&from, &to, count as usize, false).await?;
        if chunks.len() != count as usize {
            return Err(damaged());
        }
        let mut json = Vec::with_capacity(chunks.iter().map(|chunk| chunk.value.len()).sum());
        for chunk in chunks {
            json.extend_from_slice(&chunk.value);
        }
        Ok(json.into())
    }
}

/// The chunks of all rows whose keys begin with `prefix`.
fn chunks_under(prefix: &[u8]) -> Vec<u8> {
    [&key(&[CHUNKS.into()])[..], prefix].concat()
}

fn chunk_key(row: &[u8], index: u32) -> Bytes {
    [&chunks_under(row)[..], &[CHUNK_MARK], &index.to_be_bytes()].concat().into()
}

fn delete_chunks(row: &[u8]) -> Mutation {
    let all = [&chunks_under(row)[..], &[CHUNK_MARK]].concat();
    let end = prefix_end(&all);
    Mutation::DeleteRange(all.into(), end)
}

#[cfg(test)]
mod tests;
