//! A store that is watched.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use store::{
    Bytes, CommitError, KeyReader, MemoryStore, Mutation, Snapshot, Store, StoreError, Transaction, Version,
    key, prefix_end,
};

use crate::journal::{Journal, What};
use crate::time::Time;

/// Where on-failure records are put.
pub(crate) const GIVEN_UP: &str = "given-up";

/// Writes into the journal what is committed.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) memory: Arc<MemoryStore>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) time: Time,
}

impl Disk {
    /// What a transaction does to messages, and which records it hands over.
    async fn consequences(&self, transaction: &Transaction) -> Vec<What> {
        let snapshot = self.memory.snapshot().await.unwrap();
        let (messages, given_up) = (key(&["queue-message".into()]), key(&[GIVEN_UP.into()]));
        let (mut gone, mut come, mut consequences) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for mutation in &transaction.mutations {
            match mutation {
                Mutation::Put(key, value) if key.starts_with(&messages) => {
                    come.insert(message(key, value));
                }
                Mutation::Put(key, value) if key.starts_with(&given_up) => {
                    consequences.push(What::GivenUp(serde_json::from_slice(value).unwrap()));
                }
                Mutation::Delete(key) if key.starts_with(&messages) => {
                    gone.extend(snapshot.get(key).await.unwrap().map(|row| message(&row.key, &row.value)));
                }
                Mutation::DeleteRange(from, to) if from.starts_with(&messages) => {
                    let rows = snapshot.range(from, to, usize::MAX, false).await.unwrap();
                    gone.extend(rows.iter().map(|row| message(&row.key, &row.value)));
                }
                _ => {}
            }
        }
        for (queue, n) in gone.difference(&come) {
            let to = come.iter().find(|(_, other)| other == n).map(|(to, _)| to.clone());
            consequences.push(What::Removed { queue: queue.clone(), n: *n, to });
        }
        consequences
    }
}

/// The queue and the number of a message in its row: a line about it, then the body as it is.
fn message(key: &Bytes, value: &Bytes) -> (String, u64) {
    let mut reader = KeyReader::new(key);
    let (_, queue) = (reader.str().unwrap(), reader.str().unwrap());
    let body = value.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    (queue, crate::function::number(&String::from_utf8_lossy(&value[body..])))
}

#[async_trait]
impl Store for Disk {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.memory.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        let consequences = self.consequences(&transaction).await;
        let version = self.memory.commit(transaction).await?;
        let now = self.time.now();
        for what in consequences {
            self.journal.write(now, what);
        }
        Ok(version)
    }
}

/// The rows of a table.
pub(crate) async fn rows(memory: &MemoryStore, parts: &[&str]) -> Vec<store::Entry> {
    let parts: Vec<_> = parts.iter().map(|&part| part.into()).collect();
    let table = key(&parts);
    let snapshot = memory.snapshot().await.unwrap();
    snapshot.range(&table, &prefix_end(&table), usize::MAX, false).await.unwrap()
}
