//! Totals by account and month, then by what is priced apart.

use std::ops::AddAssign;

use ids::{AccountId, Region};
use serde::{Deserialize, Serialize};
use store::{Bytes, KeyPart, Row, StoreError, Table};

pub(crate) const USAGE: Table<Totals> = Table::new("metering.usage");

/// What has been consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    /// Billed milliseconds times the function's megabytes.
    pub(crate) mb_ms: u64,
    /// Billed milliseconds times the megabytes of `/tmp` beyond 512.
    #[serde(default)]
    pub(crate) tmp_mb_ms: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.mb_ms = self.mb_ms.saturating_add(more.mb_ms);
        self.tmp_mb_ms = self.tmp_mb_ms.saturating_add(more.tmp_mb_ms);
    }
}

/// Whose totals they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UsageKey {
    pub(crate) account: AccountId,
    /// Such as `2026-11`.
    pub(crate) month: String,
    pub(crate) region: Region,
    pub(crate) function: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    pub(crate) provisioned: bool,
}

impl UsageKey {
    pub(crate) fn parts(&self) -> [KeyPart<'_>; 7] {
        [
            self.account.as_str().into(),
            self.month.as_str().into(),
            self.region.as_str().into(),
            self.function.as_str().into(),
            self.version.as_str().into(),
            self.architecture.as_str().into(),
            u64::from(self.provisioned).into(),
        ]
    }

    pub(crate) fn of(row: &Row<Totals>) -> Result<Self, StoreError> {
        let key: &Bytes = &row.key;
        let mut reader = USAGE.read_key(key)?;
        let damaged = |_| StoreError::Damaged("a usage key names no account or region".to_owned());
        Ok(Self {
            account: AccountId::parse(&reader.str()?).map_err(damaged)?,
            month: reader.str()?,
            region: Region::parse(&reader.str()?).map_err(damaged)?,
            function: reader.str()?,
            version: reader.str()?,
            architecture: reader.str()?,
            provisioned: reader.u64()? != 0,
        })
    }
}
