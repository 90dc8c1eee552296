//! The one thread that writes: it takes all transactions that wait, writes them together, and answers them.

use std::sync::PoisonError;

use bytes::Bytes;
use redb::{Database, ReadableTable, Table};
use tokio::sync::{mpsc, oneshot};

use super::{ENTRIES, LAST_VERSION, META, Opener, SharedDatabase, decode, encode, last_version, unavailable};
use crate::apply::{State, apply};
use crate::{CommitError, StoreError, Transaction, Version};

/// The most transactions in one write. More would make the first of them wait for the last.
const BATCH_LENGTH: usize = 512;

type Outcome = Result<Version, CommitError>;

/// A transaction, and who waits for it.
pub(super) struct Request {
    pub(super) transaction: Transaction,
    pub(super) reply: oneshot::Sender<Outcome>,
}

pub(super) struct Committer {
    queue: mpsc::Receiver<Request>,
    database: SharedDatabase,
    open: Opener,
    version: Version,
}

/// A write that failed as a whole.
struct Failure {
    error: StoreError,
    /// The write was already on its way to the disk, so that it may be found there after all.
    perhaps_applied: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, perhaps_applied: false }
    }
}

impl Committer {
    pub(super) const fn new(
        queue: mpsc::Receiver<Request>,
        database: SharedDatabase,
        open: Opener,
        version: Version,
    ) -> Self {
        Self { queue, database, open, version }
    }

    /// Runs until the store is dropped and all that it accepted is answered.
    pub(super) fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH_LENGTH
                && let Ok(next) = self.queue.try_recv()
            {
                batch.push(next);
            }
            let (transactions, replies): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|request| (request.transaction, request.reply)).unzip();
            let outcomes = self.commit(&transactions);
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Whoever does not wait any more has given the outcome up.
                let _ = reply.send(outcome);
            }
        }
    }

    /// Also the conflicts are told only after the write: they may be with a transaction that stands before them
    /// in the same one.
    fn commit(&mut self, transactions: &[Transaction]) -> Vec<Outcome> {
        let outcomes = self.reopen_if_failed().map_err(Failure::from).and_then(|()| self.write(transactions));
        outcomes.unwrap_or_else(|failure| {
            tracing::error!(error = %failure.error, "a write to the store failed");
            self.close();
            if let Err(error) = self.reopen_if_failed() {
                tracing::error!(%error, "the store stays unavailable");
            }
            let text = failure.error.to_string();
            let outcome = if failure.perhaps_applied {
                CommitError::Unknown(text)
            } else {
                CommitError::Unavailable(text)
            };
            transactions.iter().map(|_| Err(outcome.clone())).collect()
        })
    }

    fn write(&mut self, transactions: &[Transaction]) -> Result<Vec<Outcome>, Failure> {
        let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = guard.as_ref().ok_or_else(|| StoreError::Unavailable("the disk failed".to_owned()))?;
        let (outcomes, version) = write_batch(database, transactions, self.version)?;
        self.version = version;
        Ok(outcomes)
    }

    /// After an I/O error redb refuses everything until the file is opened anew.
    fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn reopen_if_failed(&mut self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let reopened = (self.open)()?;
            // A write of unknown outcome may have been applied.
            self.version = self.version.max(last_version(&reopened)?);
            *database = Some(reopened);
            tracing::warn!("the store is available again");
        }
        Ok(())
    }
}

/// Writes all transactions whose checks hold; returns once they are durable.
fn write_batch(
    database: &Database,
    transactions: &[Transaction],
    last: Version,
) -> Result<(Vec<Outcome>, Version), Failure> {
    let mut write = database.begin_write().map_err(unavailable)?;
    // Saves a walk through the whole file after a crash, at the price of a somewhat slower commit.
    write.set_quick_repair(true);
    let mut version = last;
    let mut outcomes = Vec::with_capacity(transactions.len());
    {
        let mut entries = Latest(write.open_table(ENTRIES).map_err(unavailable)?);
        for transaction in transactions {
            let next = if transaction.mutations.is_empty() { version } else { Version(version.0 + 1) };
            match apply(&mut entries, transaction, next) {
                Ok(()) => {
                    version = next;
                    outcomes.push(Ok(next));
                }
                Err(refusal @ (CommitError::Conflict(_) | CommitError::Fenced)) => {
                    outcomes.push(Err(refusal))
                }
                Err(error) => return Err(StoreError::Unavailable(error.to_string()).into()),
            }
        }
        if version > last {
            let mut meta = write.open_table(META).map_err(unavailable)?;
            meta.insert(LAST_VERSION, version.0).map_err(unavailable)?;
        }
    }
    if version > last {
        write.commit().map_err(|error| Failure { error: unavailable(error), perhaps_applied: true })?;
    } else {
        write.abort().map_err(unavailable)?;
    }
    Ok((outcomes, version))
}

/// The state within a redb write transaction.
struct Latest<'a>(Table<'a, &'static [u8], &'static [u8]>);

impl State for Latest<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<(Bytes, Version)>, StoreError> {
        let stored = self.0.get(key).map_err(unavailable)?;
        stored.map(|stored| decode(stored.value())).transpose()
    }

    fn put(&mut self, key: &Bytes, value: &Bytes, version: Version) -> Result<(), StoreError> {
        self.0.insert(&key[..], &encode(value, version)[..]).map_err(unavailable)?;
        Ok(())
    }

    fn delete(&mut self, key: &Bytes) -> Result<(), StoreError> {
        self.0.remove(&key[..]).map_err(unavailable)?;
        Ok(())
    }

    fn delete_range(&mut self, from: &Bytes, to: &Bytes) -> Result<(), StoreError> {
        self.0.retain_in(&from[..]..&to[..], |_, _| false).map_err(unavailable)
    }
}
