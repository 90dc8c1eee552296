//! What was provisioned for versions and aliases of functions. What is reserved for a function is in its own record.

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::{KeyPart, Row, Snapshot, Table, TableError, Transaction};

use crate::tables::function::FunctionKey;

/// By account, region, function's name and qualifier.
pub(crate) static PROVISIONED: Table<ProvisionedRecord> = Table::new("lambda-provisioned");

/// By account and region. Every change that sets concurrency aside writes it, so that two such changes at the same
/// time cannot both take the last that is left. The record says nothing more.
static TURN: Table<()> = Table::new("lambda-concurrency-turn");

/// What `PutProvisionedConcurrencyConfig` asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProvisionedRecord {
    pub(crate) executions: u32,
    pub(crate) last_modified: Timestamp,
}

/// One row of [`PROVISIONED`], with what its key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provisioned {
    pub(crate) key: FunctionKey,
    pub(crate) qualifier: String,
    pub(crate) row: Row<ProvisionedRecord>,
}

/// All that is provisioned whose key begins with these parts.
pub(crate) async fn list(
    snapshot: &dyn Snapshot,
    parts: &[KeyPart<'_>],
) -> Result<Vec<Provisioned>, TableError> {
    let rows = PROVISIONED.list(snapshot, parts, None, usize::MAX).await?;
    rows.into_iter()
        .map(|row| {
            let mut reader = PROVISIONED.read_key(&row.key)?;
            let key = FunctionKey::read(&mut reader)?;
            Ok(Provisioned { key, qualifier: reader.str()?, row })
        })
        .collect()
}

/// Adds: nothing is provisioned for this function any more.
pub(crate) fn delete_all(transaction: &mut Transaction, key: &FunctionKey) {
    PROVISIONED.delete_all(transaction, &key.parts());
}

/// Adds: nothing is provisioned for this version or alias any more.
pub(crate) fn delete(transaction: &mut Transaction, key: &FunctionKey, qualifier: &str) {
    PROVISIONED.delete(transaction, &key.parts_and(qualifier));
}

/// Adds: nobody else has set concurrency aside in this account and region since `snapshot`.
pub(crate) async fn take_turn(
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    key: &FunctionKey,
) -> Result<(), TableError> {
    let [account, region, _] = key.parts();
    match TURN.get(snapshot, &[account, region]).await? {
        Some(row) => TURN.update(transaction, &row, &()),
        None => TURN.insert(transaction, &[account, region], &()),
    }
}
