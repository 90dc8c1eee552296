//! The store of a server of its own: one redb file, one thread that writes.
//!
//! Many callers' transactions become one write to disk (group commit); a commit is answered once that write is
//! synced. Reads never wait for it.

mod committer;
mod watched;

use std::fmt::{Debug, Formatter, Result as FmtResult};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageBackend, TableDefinition,
};
use tokio::sync::{mpsc, oneshot};

use self::committer::{Committer, Request};
use self::watched::{SyncFailed, Watched};
use crate::apply::check_limits;
use crate::{CommitError, Entry, Snapshot, Store, StoreError, Transaction, Version};

/// A value is the version that wrote the entry (big-endian), then what was stored.
const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const LAST_VERSION: &str = "last-version";
const FORMAT: &str = "format";
/// Changes when an older program could not read what is written.
const FORMAT_NUMBER: u64 = 1;

const FILE_NAME: &str = "store.redb";
/// redb's own default (1 GiB) is more than a small server has to spare; behind this one the kernel's page cache is.
const CACHE_BYTES: usize = 48 << 20;
/// Commits that may wait before callers have to.
const QUEUE_LENGTH: usize = 1_024;

/// The open database, or nothing after the disk failed. Only the committer replaces it.
type SharedDatabase = Arc<RwLock<Option<Database>>>;
/// Opens the database, at the start and again after the disk failed.
type Opener = Box<dyn Fn() -> Result<Database, StoreError> + Send>;

/// A durable store in a directory of its own.
///
/// After an I/O error it answers [`StoreError::Unavailable`] until it could open its file again. It does so by
/// itself, except after a failed sync: the kernel may then have dropped what it could not write while it still
/// shows it to readers, so only a new start, with whatever is really on the disk, is safe.
pub struct EmbeddedStore {
    path: PathBuf,
    /// `None` only while the store is dropped.
    requests: Option<mpsc::Sender<Request>>,
    database: SharedDatabase,
    committer: Option<JoinHandle<()>>,
}

impl Debug for EmbeddedStore {
    fn fmt(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.debug_struct("EmbeddedStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl EmbeddedStore {
    /// Opens the store in `directory`, and makes both where there are none. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open; [`StoreError::Unavailable`] when the disk fails; [`StoreError::Damaged`]
    /// when what is there is not a store that this program can read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let unavailable =
            |error| StoreError::Unavailable(format!("the data directory {}: {error}", directory.display()));
        make_directory(directory).map_err(unavailable)?;
        let path = directory.join(FILE_NAME);
        let sync_failed = SyncFailed::default();
        let file_path = path.clone();
        let open_file = move || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&file_path)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", file_path.display())))?;
            let backend = FileBackend::new(file).map_err(|error| refused(&error, &file_path))?;
            open_database(backend, &sync_failed, &file_path)
        };
        let store = Self::start(path, Box::new(open_file))?;
        // The file's own name must survive a power loss as well.
        sync_directory(directory).map_err(unavailable)?;
        Ok(store)
    }

    fn start(path: PathBuf, open: Opener) -> Result<Self, StoreError> {
        let database = open()?;
        let version = last_version(&database)?;
        let database = Arc::new(RwLock::new(Some(database)));
        let (requests, queue) = mpsc::channel(QUEUE_LENGTH);
        let committer = Committer::new(queue, Arc::clone(&database), open, version);
        let committer = std::thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn(move || committer.run())
            .map_err(|error| StoreError::Unavailable(format!("no thread for commits: {error}")))?;
        Ok(Self { path, requests: Some(requests), database, committer: Some(committer) })
    }

    fn view(&self) -> Result<EmbeddedSnapshot, StoreError> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = guard.as_ref().ok_or_else(|| StoreError::Unavailable("the disk failed".to_owned()))?;
        let transaction = database.begin_read().map_err(unavailable)?;
        let entries = transaction.open_table(ENTRIES).map_err(unavailable)?;
        Ok(EmbeddedSnapshot { entries, _transaction: transaction })
    }
}

impl Drop for EmbeddedStore {
    /// Waits until what was accepted is written and the file is free for the next one who opens it.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the store's committer panicked");
        }
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        if let Ok(view) = self.view() {
            return Ok(Box::new(view));
        }
        // Any commit makes the committer look at the database, and open it again if that can be done.
        let _only_a_nudge = self.commit(Transaction::new()).await;
        Ok(Box::new(self.view()?))
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        check_limits(&transaction)?;
        let closed = || CommitError::Unavailable("the committer has ended".to_owned());
        let (reply, outcome) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(closed)?;
        requests.send(Request { transaction, reply }).await.map_err(|_| closed())?;
        outcome.await.unwrap_or_else(|_| Err(CommitError::Unknown("the committer has ended".to_owned())))
    }
}

/// The fields keep what the read pages belong to alive.
struct EmbeddedSnapshot {
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
    _transaction: ReadTransaction,
}

#[async_trait]
impl Snapshot for EmbeddedSnapshot {
    // Reads take microseconds from redb's cache and the page cache, so they run in place.
    async fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let stored = self.entries.get(key).map_err(unavailable)?;
        stored.map(|stored| entry(key, stored.value())).transpose()
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
        let mut range = self.entries.range(from..to).map_err(unavailable)?;
        let mut entries = Vec::new();
        while entries.len() < limit {
            let Some(found) = (if reverse { range.next_back() } else { range.next() }) else { break };
            let (key, stored) = found.map_err(unavailable)?;
            entries.push(entry(key.value(), stored.value())?);
        }
        Ok(entries)
    }
}

fn entry(key: &[u8], stored: &[u8]) -> Result<Entry, StoreError> {
    let (value, version) = decode(stored)?;
    Ok(Entry { key: Bytes::copy_from_slice(key), value, version })
}

fn decode(stored: &[u8]) -> Result<(Bytes, Version), StoreError> {
    let (version, value) = stored
        .split_first_chunk()
        .ok_or_else(|| StoreError::Damaged("an entry without a version".to_owned()))?;
    Ok((Bytes::copy_from_slice(value), Version(u64::from_be_bytes(*version))))
}

fn encode(value: &[u8], version: Version) -> Vec<u8> {
    [&version.0.to_be_bytes(), value].concat()
}

/// Opens what `backend` holds, makes the tables of a new store, and checks the format of an old one.
fn open_database(
    backend: impl StorageBackend,
    sync_failed: &SyncFailed,
    path: &Path,
) -> Result<Database, StoreError> {
    if sync_failed.get() {
        let text = format!("a sync of {} failed: check the disk, then start again", path.display());
        return Err(StoreError::Unavailable(text));
    }
    let database = Builder::new()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(Watched::new(backend, sync_failed.clone()))
        .map_err(|error| refused(&error, path))?;
    let mut transaction = database.begin_write().map_err(unavailable)?;
    transaction.set_quick_repair(true);
    let format = {
        transaction.open_table(ENTRIES).map_err(unavailable)?;
        let mut meta = transaction.open_table(META).map_err(unavailable)?;
        let stored = meta.get(FORMAT).map_err(unavailable)?.map(|format| format.value());
        if stored.is_none() {
            meta.insert(FORMAT, FORMAT_NUMBER).map_err(unavailable)?;
        }
        stored
    };
    match format {
        None => transaction.commit().map_err(unavailable)?,
        Some(FORMAT_NUMBER) => transaction.abort().map_err(unavailable)?,
        Some(other) => {
            let text = format!("{} has format {other}, this program reads {FORMAT_NUMBER}", path.display());
            return Err(StoreError::Damaged(text));
        }
    }
    Ok(database)
}

fn last_version(database: &Database) -> Result<Version, StoreError> {
    let transaction = database.begin_read().map_err(unavailable)?;
    let meta = transaction.open_table(META).map_err(unavailable)?;
    let stored = meta.get(LAST_VERSION).map_err(unavailable)?;
    Ok(Version(stored.map_or(0, |version| version.value())))
}

fn refused(error: &DatabaseError, path: &Path) -> StoreError {
    let path = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.to_string()),
        DatabaseError::Storage(redb::StorageError::Corrupted(what)) => {
            StoreError::Damaged(format!("{path}: {what}"))
        }
        DatabaseError::UpgradeRequired(format) => {
            StoreError::Damaged(format!("{path} has the file format {format} of an older redb"))
        }
        error => StoreError::Unavailable(format!("{path}: {error}")),
    }
}

fn unavailable(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Damaged(what),
        error => StoreError::Unavailable(error.to_string()),
    }
}

/// Makes `directory`, for the server's eyes only (records hold secrets), so that it survives a power loss.
fn make_directory(directory: &Path) -> std::io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for ancestor in directory.ancestors().skip(1).take(2).filter(|path| !path.as_os_str().is_empty()) {
        sync_directory(ancestor)?;
    }
    Ok(())
}

fn sync_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
