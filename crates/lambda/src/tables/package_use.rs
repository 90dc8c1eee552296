//! Who refers to which code package, so that a package nobody refers to can be told at once.

use std::collections::HashSet;

use packages::PackageKey;
use store::{KeyPart, Snapshot, Table, TableError, Transaction};

use crate::tables::function::FunctionKey;

/// By package, the holder's kind, account, region, name and number. The record says nothing more.
static PACKAGE_USE: Table<()> = Table::new("lambda-package-use");

/// How many rows are read at once.
const PAGE: usize = 1_000;

/// What refers to a package.
#[derive(Debug, Clone)]
pub(crate) struct Holder<'a> {
    kind: &'static str,
    account: &'a str,
    region: &'a str,
    name: &'a str,
    number: u64,
}

impl<'a> Holder<'a> {
    /// A version of a function: its code, or a layer it uses. `$LATEST` has no number.
    pub(crate) fn function(key: &'a FunctionKey, number: Option<u64>) -> Self {
        let (account, region) = (key.account.as_str(), key.region.as_str());
        // Numbers of published versions begin at 1.
        Self { kind: "function", account, region, name: &key.name, number: number.unwrap_or(0) }
    }

    /// A version of a layer.
    pub(crate) fn layer(account: &'a str, region: &'a str, name: &'a str, number: u64) -> Self {
        Self { kind: "layer", account, region, name, number }
    }

    fn parts(&self, package: &'a PackageKey) -> [KeyPart<'a>; 6] {
        [
            package.as_str().into(),
            self.kind.into(),
            self.account.into(),
            self.region.into(),
            self.name.into(),
            self.number.into(),
        ]
    }
}

/// Adds: `holder` refers to `package`.
pub(crate) fn add(
    transaction: &mut Transaction,
    package: &PackageKey,
    holder: &Holder<'_>,
) -> Result<(), TableError> {
    PACKAGE_USE.put(transaction, &holder.parts(package), &())
}

/// Adds: `holder` does not refer to `package` any more.
pub(crate) fn remove(transaction: &mut Transaction, package: &PackageKey, holder: &Holder<'_>) {
    PACKAGE_USE.delete(transaction, &holder.parts(package));
}

/// Whether anything refers to `package`.
pub(crate) async fn is_used(snapshot: &dyn Snapshot, package: &PackageKey) -> Result<bool, TableError> {
    Ok(!PACKAGE_USE.list(snapshot, &[package.as_str().into()], None, 1).await?.is_empty())
}

/// Every package that anything refers to.
pub(crate) async fn all_used(snapshot: &dyn Snapshot) -> Result<HashSet<PackageKey>, TableError> {
    let mut used = HashSet::new();
    let mut after = None;
    loop {
        let rows = PACKAGE_USE.list(snapshot, &[], after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok(used) };
        after = Some(last.key.clone());
        for row in rows {
            let text = PACKAGE_USE.read_key(&row.key)?.str()?;
            let package =
                PackageKey::parse(&text).map_err(|error| store::StoreError::Damaged(error.to_string()))?;
            used.insert(package);
        }
    }
}
