//! Log groups, when their events expire, and what is left of deleted ones.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{AccountId, Region};
use serde::{Deserialize, Serialize};
use store::{Mutation, Snapshot, StoreError, Table, Transaction, key};

/// A log group; its key is (account, region, name).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    /// Absent: events never expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retention_days: Option<i32>,
    /// Where in [`EXPIRIES`] the group stands: exactly while it has a retention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expiry_due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Group {
    /// Events before this moment have expired.
    pub(crate) fn expired_before_ms(&self, now: Timestamp) -> Option<i64> {
        let days = i64::from(self.retention_days?);
        Some(now.as_millis().saturating_sub(days * 24 * 60 * 60 * 1_000))
    }
}

pub(crate) const GROUPS: Table<Group> = Table::of_large_records("log-group");

/// A group whose events expire, and the name it is found under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expiry {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// Which groups to look through for expired events; the key is (when, group's id).
pub(crate) const EXPIRIES: Table<Expiry> = Table::new("log-expiry");

/// What a deleted group or stream left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Garbage {
    /// The deleted stream; absent when all of the group was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<u64>,
}

/// What is to be removed in the background; the key is (group's id, stream's id or 0).
pub(crate) const GARBAGE: Table<Garbage> = Table::new("log-garbage");

/// Adds: count this many bytes to (or, when negative, from) what a group stores.
pub(crate) fn add_bytes(transaction: &mut Transaction, group: u64, bytes: i64) {
    transaction.mutations.push(Mutation::Add(bytes_key(group), bytes));
}

/// Bytes that a group stores, counted as `PutLogEvents` counts them.
pub(crate) async fn stored_bytes(snapshot: &dyn Snapshot, group: u64) -> Result<i64, StoreError> {
    let Some(entry) = snapshot.get(&bytes_key(group)).await? else { return Ok(0) };
    let bytes = entry.value.as_ref().try_into();
    bytes.map(i64::from_le_bytes).map_err(|_| StoreError::Damaged("a counter of stored bytes".to_owned()))
}

pub(crate) fn bytes_key(group: u64) -> store::Bytes {
    key(&["log-bytes".into(), group.into()])
}
