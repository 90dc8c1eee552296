//! Roles, each with all its policies and tags: what happens to a role is one checked write of one row.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::AccountId;
use serde::{Deserialize, Serialize};
use store::{KeyPart, Table};

/// By account, and name in lower case.
pub(crate) const ROLES: Table<RoleRecord> = Table::of_large_records("iam/role");

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    /// As it was written when the role was created.
    pub(crate) name: String,
    /// Begins and ends with a slash.
    pub(crate) path: String,
    /// `AROA...`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) trust_policy: String,
    pub(crate) description: Option<String>,
    pub(crate) max_session_seconds: i32,
    /// A policy's ARN.
    pub(crate) permissions_boundary: Option<String>,
    /// Documents by their names.
    pub(crate) inline_policies: BTreeMap<String, String>,
    /// ARNs, in the order in which they were attached.
    pub(crate) attached_policies: Vec<String>,
    /// By key in lower case.
    pub(crate) tags: BTreeMap<String, TagRecord>,
}

/// A tag, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagRecord {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A role's key. `folded_name` is the name in lower case: "names are not distinguished by case" (IAM user guide, "IAM
/// object quotas and names").
pub(crate) fn key_parts<'a>(account: &'a AccountId, folded_name: &'a str) -> [KeyPart<'a>; 2] {
    [account.as_str().into(), folded_name.into()]
}
