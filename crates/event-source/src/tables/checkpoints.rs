//! How far each shard has been read.

use store::{Table, Transaction};

/// By mapping and shard.
const CHECKPOINTS: Table<Checkpoint> = Table::new("event-source-checkpoint");

/// How far a shard has been read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Checkpoint {}

/// Adds: forget all checkpoints of a mapping.
pub(crate) fn delete_all(transaction: &mut Transaction, uuid: &str) {
    CHECKPOINTS.delete_all(transaction, &[uuid.into()]);
}
