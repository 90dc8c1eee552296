//! The mappings, and which of them has a pair of source and function.

use ids::{AccountId, Arn, FunctionArn, Region};
use store::{Bytes, Entry, KeyPart, Snapshot, Store, StoreError, Table, TableError, Transaction, prefix_end};

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

/// All of them that can be understood. One that cannot is said, and left alone: it is nobody's reason not to poll.
pub(crate) async fn read_all(snapshot: &dyn Snapshot) -> Result<Vec<Mapping>, TableError> {
    let (mut from, to) = (MAPPINGS.key(&[]), prefix_end(&MAPPINGS.key(&[])));
    let mut mappings = Vec::new();
    loop {
        let entries = snapshot.range(&from, &to, PAGE, false).await?;
        let Some(last) = entries.last() else { return Ok(mappings) };
        from = [&last.key[..], &[0]].concat().into();
        for Entry { key, .. } in &entries {
            match read_row(snapshot, key).await {
                Ok(mapping) => mappings.extend(mapping),
                Err(TableError::Store(StoreError::Damaged(why))) => {
                    let key = String::from_utf8_lossy(key);
                    tracing::error!(%key, why, "an event source mapping cannot be understood: it does not poll");
                }
                Err(error) => return Err(error),
            }
        }
    }
}

async fn read_row(snapshot: &dyn Snapshot, key: &[u8]) -> Result<Option<Mapping>, TableError> {
    let mut parts = MAPPINGS.read_key(key)?;
    let [account, region, uuid] = [parts.str()?, parts.str()?, parts.str()?];
    let row = MAPPINGS.get(snapshot, &[(&account).into(), (&region).into(), (&uuid).into()]).await?;
    Ok(row.map(|row| row.record))
}
