//! The mappings, and which of them has a pair of source and function.

use ids::{AccountId, Arn, FunctionArn, Region};
use store::{Bytes, KeyPart, Snapshot, Store, Table, TableError, Transaction};

use crate::Mapping;

/// By account, region and UUID. Large: its filters may be some 40,000 characters.
const MAPPINGS: Table<Mapping> = Table::of_large_records("event-source-mapping");
/// UUIDs by account, region, source and function.
const PAIRS: Table<String> = Table::new("event-source-pair");

/// Rows that are read at once.
const PAGE: usize = 256;

/// The text forms that a key is made of.
struct Pair<'a> {
    account: &'a AccountId,
    region: &'a Region,
    source: String,
    function: String,
}

impl<'a> Pair<'a> {
    fn of(mapping: &'a Mapping) -> Self {
        Self::new(&mapping.account, &mapping.region, &mapping.source, &mapping.function)
    }

    fn new(account: &'a AccountId, region: &'a Region, source: &Arn, function: &FunctionArn) -> Self {
        Self { account, region, source: source.to_string(), function: function.to_string() }
    }

    fn parts(&self) -> [KeyPart<'_>; 4] {
        [
            self.account.as_str().into(),
            self.region.as_str().into(),
            (&self.source).into(),
            (&self.function).into(),
        ]
    }
}

fn parts(mapping: &Mapping) -> [KeyPart<'_>; 3] {
    [mapping.account.as_str().into(), mapping.region.as_str().into(), (&mapping.uuid).into()]
}

/// Adds: write a new mapping, unless there is one of the same pair: then the commit answers a conflict with
/// [`pair_key`].
pub(crate) fn insert(transaction: &mut Transaction, mapping: &Mapping) -> Result<(), TableError> {
    MAPPINGS.insert(transaction, &parts(mapping), mapping)?;
    PAIRS.insert(transaction, &Pair::of(mapping).parts(), &mapping.uuid)
}

/// Adds: write what has become of a mapping; with another function, unless there is one of that pair.
pub(crate) fn replace(transaction: &mut Transaction, old: &Mapping, new: &Mapping) -> Result<(), TableError> {
    if old.function != new.function {
        PAIRS.delete(transaction, &Pair::of(old).parts());
        PAIRS.insert(transaction, &Pair::of(new).parts(), &new.uuid)?;
    }
    MAPPINGS.put(transaction, &parts(new), new)
}

/// Adds: remove a mapping.
pub(crate) fn delete(transaction: &mut Transaction, mapping: &Mapping) {
    MAPPINGS.delete(transaction, &parts(mapping));
    PAIRS.delete(transaction, &Pair::of(mapping).parts());
}

/// What a conflict about the pair names.
pub(crate) fn pair_key(mapping: &Mapping) -> Bytes {
    PAIRS.key(&Pair::of(mapping).parts())
}

/// The UUID of the mapping that has this one's pair.
pub(crate) async fn owner(store: &dyn Store, mapping: &Mapping) -> Result<Option<String>, TableError> {
    let row = PAIRS.get_now(store, &Pair::of(mapping).parts()).await?;
    Ok(row.map(|row| row.record))
}

/// The mapping as it is stored.
pub(crate) async fn read(store: &dyn Store, mapping: &Mapping) -> Result<Option<Mapping>, TableError> {
    let row = MAPPINGS.get_now(store, &parts(mapping)).await?;
    Ok(row.map(|row| row.record))
}

/// All of them.
pub(crate) async fn read_all(snapshot: &dyn Snapshot) -> Result<Vec<Mapping>, TableError> {
    let mut mappings = Vec::new();
    let mut after: Option<Bytes> = None;
    loop {
        let rows = MAPPINGS.list(snapshot, &[], after.as_deref(), PAGE).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| row.key.clone());
        mappings.extend(rows.into_iter().map(|row| row.record));
        if is_last {
            return Ok(mappings);
        }
    }
}
