//! How much of an account's concurrency is set aside, and for whom.

use std::collections::BTreeMap;

use ids::{AccountId, Region};
use store::Snapshot;

use crate::concurrency::UNRESERVED_MIN;
use crate::errors::Outcome;
use crate::tables::concurrency;
use crate::tables::function::FUNCTIONS;

/// What is set aside in an account and region, by function.
#[derive(Debug, Default)]
pub(crate) struct SetAside {
    functions: BTreeMap<String, Claim>,
}

/// What a function has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) reserved: Option<u32>,
    /// For all its versions together. What is provisioned is taken from what is reserved, if anything is.
    pub(crate) provisioned: u32,
}

impl Claim {
    fn executions(self) -> u32 {
        self.reserved.unwrap_or(self.provisioned)
    }
}

impl SetAside {
    pub(crate) async fn read(snapshot: &dyn Snapshot, account: &AccountId, region: &Region) -> Outcome<Self> {
        let parts = [account.as_str().into(), region.as_str().into()];
        let mut functions = BTreeMap::<String, Claim>::new();
        for row in FUNCTIONS.list(snapshot, &parts, None, usize::MAX).await? {
            if row.record.reserved_concurrency.is_some() {
                let mut reader = FUNCTIONS.read_key(&row.key)?;
                let _account_and_region = (reader.str()?, reader.str()?);
                functions.entry(reader.str()?).or_default().reserved = row.record.reserved_concurrency;
            }
        }
        for provisioned in concurrency::list(snapshot, &parts).await? {
            let claim = functions.entry(provisioned.key.name).or_default();
            claim.provisioned = claim.provisioned.saturating_add(provisioned.row.record.executions);
        }
        Ok(Self { functions })
    }

    /// What one function has.
    pub(crate) fn of(&self, name: &str) -> Claim {
        self.functions.get(name).copied().unwrap_or_default()
    }

    /// All that is set aside.
    pub(crate) fn total(&self) -> u32 {
        self.functions.values().fold(0, |sum, claim| sum.saturating_add(claim.executions()))
    }

    /// Whether giving this function `claim` would leave the others less than they must have. Giving back is always
    /// possible.
    pub(crate) fn leaves_too_little(&self, name: &str, claim: Claim, limit: u32) -> bool {
        let before = self.of(name).executions();
        let others = self.total().saturating_sub(before);
        let after = claim.executions();
        after > before && limit.saturating_sub(others.saturating_add(after)) < UNRESERVED_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(executions: u32) -> Claim {
        Claim { reserved: Some(executions), provisioned: 0 }
    }

    #[test]
    fn a_hundred_stay_unreserved() {
        let one = Claim { reserved: None, provisioned: 200 };
        let other = Claim { reserved: Some(300), provisioned: 250 };
        let functions = [("one".to_owned(), one), ("other".to_owned(), other)];
        let set_aside = SetAside { functions: functions.into() };
        assert_eq!(set_aside.total(), 500, "what is provisioned is part of what is reserved");
        for (name, executions, too_little) in [
            ("new", 400, false),
            ("new", 401, true),
            ("one", 600, false),
            ("one", 601, true),
            ("new", 0, false),
        ] {
            assert_eq!(
                set_aside.leaves_too_little(name, reserved(executions), 1_000),
                too_little,
                "{name} {executions}"
            );
        }
    }

    #[test]
    fn giving_back_is_possible_even_where_too_little_is_left() {
        let set_aside = SetAside { functions: [("one".to_owned(), reserved(50))].into() };
        assert!(!set_aside.leaves_too_little("one", reserved(0), 100));
        assert!(!set_aside.leaves_too_little("new", reserved(0), 10));
        assert!(set_aside.leaves_too_little("one", reserved(51), 100));
    }
}
