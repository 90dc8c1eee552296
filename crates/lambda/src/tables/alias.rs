//! Aliases of functions.

use serde::{Deserialize, Serialize};
use store::Table;

/// By account, region, function's name and alias's name.
pub(crate) static ALIASES: Table<AliasRecord> = Table::new("lambda-alias");

/// An alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) name: String,
    /// The version it points to; none for `$LATEST`.
    pub(crate) version: Option<u64>,
    pub(crate) description: String,
    /// Another version, and the share of invocations that go there.
    pub(crate) additional: Option<(u64, f64)>,
    pub(crate) revision_id: String,
}

impl AliasRecord {
    /// Whether some of its invocations go to this version.
    pub(crate) fn refers_to(&self, number: u64) -> bool {
        self.version == Some(number) || self.additional.is_some_and(|(additional, _)| additional == number)
    }
}
