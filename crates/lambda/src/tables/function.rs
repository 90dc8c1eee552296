//! Functions and their versions.
//!
//! A function's row holds its `$LATEST`; each published version has a row of its own. Rows change only through
//! [`put_function`], [`put_version`] and the `delete` functions here, which keep `package_use` in step.

use std::collections::{BTreeMap, BTreeSet};

use clock::Timestamp;
use ids::{AccountId, FunctionArn, InvalidId, Qualifier, Region};
use packages::{Package, PackageKey};
use serde::{Deserialize, Serialize};
use store::{Check, KeyPart, KeyReader, Row, Snapshot, StoreError, Table, TableError, Transaction};

use crate::tables::package_use::{self, Holder};

/// By account, region and name. Large: fifty tags may take more than a value holds.
pub(crate) static FUNCTIONS: Table<FunctionRecord> = Table::of_large_records("lambda-function");

/// By account, region, name and number.
pub(crate) static VERSIONS: Table<VersionRecord> = Table::new("lambda-version");

/// Which function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FunctionKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl FunctionKey {
    /// The key's parts, in every table that is kept by function.
    pub(crate) fn parts(&self) -> [KeyPart<'_>; 3] {
        [self.account.as_str().into(), self.region.as_str().into(), self.name.as_str().into()]
    }

    /// The key's parts followed by one more.
    pub(crate) fn parts_and<'a>(&'a self, last: impl Into<KeyPart<'a>>) -> [KeyPart<'a>; 4] {
        let [account, region, name] = self.parts();
        [account, region, name, last.into()]
    }

    /// Reads the parts that every key of a table that is kept by function begins with.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub(crate) fn read(reader: &mut KeyReader<'_>) -> Result<Self, StoreError> {
        let damaged = |error: InvalidId| StoreError::Damaged(error.to_string());
        let account = AccountId::parse(&reader.str()?).map_err(damaged)?;
        let region = Region::parse(&reader.str()?).map_err(damaged)?;
        Ok(Self { account, region, name: reader.str()? })
    }

    /// The function's ARN, without a qualifier.
    pub(crate) fn arn(&self) -> FunctionArn {
        FunctionArn {
            region: self.region.clone(),
            account: self.account.clone(),
            name: self.name.clone(),
            qualifier: None,
        }
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    /// `$LATEST` as the API shows it.
    pub(crate) latest: VersionRecord,
    /// What `$LATEST` runs instead while an update of it is in progress, and after one has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serving: Option<VersionRecord>,
    /// The number of the last version that was published; numbers are never used again.
    pub(crate) last_version: u64,
    /// The description that `$LATEST` had then; the version itself may have been given another.
    #[serde(default)]
    pub(crate) published_description: String,
    /// The function's tags.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// What `PutFunctionConcurrency` reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reserved_concurrency: Option<u32>,
    /// What `PutFunctionRecursionConfig` said: loops are not stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allows_loops: bool,
}

/// One version of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// Its number; none for `$LATEST`.
    pub(crate) number: Option<u64>,
    /// A UUID that changes with every change.
    pub(crate) revision_id: String,
    /// When its code or configuration last changed.
    pub(crate) last_modified: Timestamp,
    /// What can be configured.
    pub(crate) configuration: Configuration,
    /// Its code.
    pub(crate) code: Package,
    /// Whether it can be invoked.
    pub(crate) state: State,
    /// How the last update of it went.
    pub(crate) last_update: LastUpdate,
}

impl VersionRecord {
    /// What names it in the API.
    pub(crate) fn qualifier(&self) -> Qualifier {
        self.number.map_or(Qualifier::Latest, Qualifier::Version)
    }

    /// The packages it needs: its code and its layers.
    fn packages(&self) -> impl Iterator<Item = &PackageKey> {
        std::iter::once(&self.code.key)
            .chain(self.configuration.layers.iter().map(|layer| &layer.package.key))
    }
}

/// What can be configured of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) role: String,
    pub(crate) description: String,
    pub(crate) timeout_s: u32,
    pub(crate) memory_mb: u32,
    pub(crate) tmp_mb: u32,
    pub(crate) architecture: Architecture,
    /// None where the function never had any, which the API shows differently from an empty map.
    pub(crate) variables: Option<BTreeMap<String, String>>,
    pub(crate) dead_letter_arn: Option<String>,
    pub(crate) logging: Logging,
    pub(crate) layers: Vec<UsedLayer>,
}

/// The processor a version is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Architecture {
    #[serde(rename = "x86_64")]
    X86_64,
    #[serde(rename = "arm64")]
    Arm64,
}

/// Where and how a version's logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) group: String,
    /// None for the text format.
    pub(crate) json: Option<JsonLevels>,
}

/// The least levels that are logged in the JSON format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JsonLevels {
    pub(crate) application: String,
    pub(crate) system: String,
}

/// A layer version that a function version uses. It stays usable after the layer version was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UsedLayer {
    pub(crate) arn: String,
    pub(crate) package: Package,
}

/// Whether a version can be invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Pending,
    Active,
    Failed(Reason),
}

/// How the last update of a version went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LastUpdate {
    Successful,
    InProgress,
    Failed(Reason),
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    /// One of the API's codes, such as `InternalError`.
    pub(crate) code: String,
    pub(crate) text: String,
}

/// Adds: write this function in place of `before`, which must still be what is stored. Returns the packages that
/// it no longer uses.
pub(crate) fn put_function(
    transaction: &mut Transaction,
    key: &FunctionKey,
    before: Option<&Row<FunctionRecord>>,
    function: &FunctionRecord,
) -> Result<Vec<PackageKey>, TableError> {
    match before {
        Some(row) => FUNCTIONS.update(transaction, row, function)?,
        None => FUNCTIONS.insert(transaction, &key.parts(), function)?,
    }
    let used_before = before.map(|row| latest_packages(&row.record)).unwrap_or_default();
    exchange_packages(transaction, key, None, &used_before, &latest_packages(function))
}

/// Adds: write this published version in place of `before`, which must still be what is stored.
pub(crate) fn put_version(
    transaction: &mut Transaction,
    key: &FunctionKey,
    number: u64,
    before: Option<&Row<VersionRecord>>,
    version: &VersionRecord,
) -> Result<(), TableError> {
    match before {
        Some(row) => VERSIONS.update(transaction, row, version)?,
        None => VERSIONS.insert(transaction, &key.parts_and(number), version)?,
    }
    let used_before = before.map(|row| row.record.packages().cloned().collect()).unwrap_or_default();
    let used = version.packages().cloned().collect();
    exchange_packages(transaction, key, Some(number), &used_before, &used)?;
    Ok(())
}

/// Adds: remove this published version. Returns the packages it used.
pub(crate) fn delete_version(
    transaction: &mut Transaction,
    key: &FunctionKey,
    row: &Row<VersionRecord>,
) -> Result<Vec<PackageKey>, TableError> {
    VERSIONS.delete_row(transaction, row);
    let used = row.record.packages().cloned().collect();
    exchange_packages(transaction, key, row.record.number, &used, &BTreeSet::new())
}

/// Adds: remove the function and these, all its versions. Returns the packages they used.
pub(crate) fn delete_function(
    transaction: &mut Transaction,
    key: &FunctionKey,
    function: &Row<FunctionRecord>,
    versions: &[Row<VersionRecord>],
) -> Result<Vec<PackageKey>, TableError> {
    FUNCTIONS.delete_row(transaction, function);
    let used = latest_packages(&function.record);
    let mut freed = exchange_packages(transaction, key, None, &used, &BTreeSet::new())?;
    for version in versions {
        freed.extend(delete_version(transaction, key, version)?);
    }
    Ok(freed)
}

/// Adds: the function exists. What is written beside a function needs this, so that nothing is left of one that is
/// deleted meanwhile.
pub(crate) fn require_function(transaction: &mut Transaction, key: &FunctionKey) {
    transaction.checks.push(Check::Present(FUNCTIONS.key(&key.parts())));
}

/// Adds: this version exists.
pub(crate) fn require_version(transaction: &mut Transaction, key: &FunctionKey, number: u64) {
    transaction.checks.push(Check::Present(VERSIONS.key(&key.parts_and(number))));
}

/// All published versions, in order.
pub(crate) async fn list_versions(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
) -> Result<Vec<Row<VersionRecord>>, TableError> {
    VERSIONS.list(snapshot, &key.parts(), None, usize::MAX).await
}

/// At most `limit` versions with numbers above `number`, in order.
pub(crate) async fn list_versions_after(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    number: u64,
    limit: usize,
) -> Result<Vec<VersionRecord>, TableError> {
    let after = VERSIONS.key(&key.parts_and(number));
    let rows = VERSIONS.list(snapshot, &key.parts(), Some(&after), limit).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

/// At most `limit` functions of an account in a region with names after `name`, in order.
pub(crate) async fn list_functions_after(
    snapshot: &dyn Snapshot,
    account: &AccountId,
    region: &Region,
    name: Option<&str>,
    limit: usize,
) -> Result<Vec<(FunctionKey, FunctionRecord)>, TableError> {
    let of_region = [account.as_str().into(), region.as_str().into()];
    let after = name.map(|name| FUNCTIONS.key(&[of_region[0], of_region[1], name.into()]));
    let rows = FUNCTIONS.list(snapshot, &of_region, after.as_deref(), limit).await?;
    rows.into_iter().map(|row| Ok((read_function_key(&row.key)?, row.record))).collect()
}

/// The function whose row has this key.
pub(crate) fn read_function_key(key: &[u8]) -> Result<FunctionKey, TableError> {
    let damaged = |error: ids::InvalidId| StoreError::Damaged(error.to_string());
    let mut reader = FUNCTIONS.read_key(key)?;
    let account = AccountId::parse(&reader.str()?).map_err(damaged)?;
    let region = Region::parse(&reader.str()?).map_err(damaged)?;
    Ok(FunctionKey { account, region, name: reader.str()? })
}

fn latest_packages(function: &FunctionRecord) -> BTreeSet<PackageKey> {
    let serving = function.serving.iter().flat_map(VersionRecord::packages);
    function.latest.packages().chain(serving).cloned().collect()
}

fn exchange_packages(
    transaction: &mut Transaction,
    key: &FunctionKey,
    number: Option<u64>,
    before: &BTreeSet<PackageKey>,
    after: &BTreeSet<PackageKey>,
) -> Result<Vec<PackageKey>, TableError> {
    let holder = Holder::function(key, number);
    for added in after.difference(before) {
        package_use::add(transaction, added, &holder)?;
    }
    let freed: Vec<_> = before.difference(after).cloned().collect();
    for package in &freed {
        package_use::remove(transaction, package, &holder);
    }
    Ok(freed)
}
