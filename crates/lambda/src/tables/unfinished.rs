//! Versions whose code is still to be prepared. A row is written with the state that waits for it, and goes with
//! the state that comes after it, so that a restart finishes what a crash broke off.

use ids::{AccountId, Region};
use store::{Snapshot, StoreError, Table, TableError, Transaction};

use crate::tables::function::FunctionKey;

/// By account, region, name and number (0 for `$LATEST`). The record says nothing more.
static UNFINISHED: Table<()> = Table::new("lambda-unfinished");

/// A version whose code is to be prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    pub(crate) key: FunctionKey,
    /// None for `$LATEST`.
    pub(crate) number: Option<u64>,
}

impl Unfinished {
    /// Adds: this is to be done.
    pub(crate) fn put(&self, transaction: &mut Transaction) -> Result<(), TableError> {
        UNFINISHED.put(transaction, &self.key.parts_and(self.number.unwrap_or(0)), &())
    }

    /// Adds: this is done.
    pub(crate) fn delete(&self, transaction: &mut Transaction) {
        UNFINISHED.delete(transaction, &self.key.parts_and(self.number.unwrap_or(0)));
    }
}

/// Adds: nothing is to be done for this function any more.
pub(crate) fn delete_all(transaction: &mut Transaction, key: &FunctionKey) {
    UNFINISHED.delete_all(transaction, &key.parts());
}

/// All that is to be done.
pub(crate) async fn list(snapshot: &dyn Snapshot) -> Result<Vec<Unfinished>, TableError> {
    let rows = UNFINISHED.list(snapshot, &[], None, usize::MAX).await?;
    let damaged = |error: ids::InvalidId| StoreError::Damaged(error.to_string());
    rows.iter()
        .map(|row| {
            let mut reader = UNFINISHED.read_key(&row.key)?;
            let account = AccountId::parse(&reader.str()?).map_err(damaged)?;
            let region = Region::parse(&reader.str()?).map_err(damaged)?;
            let key = FunctionKey { account, region, name: reader.str()? };
            let number = Some(reader.u64()?).filter(|number| *number > 0);
            Ok(Unfinished { key, number })
        })
        .collect()
}
