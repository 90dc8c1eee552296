//! Accounts and their functions: what they use of what they may.

use std::collections::HashMap;
use std::sync::Arc;

use ids::{AccountId, FunctionArn, Qualifier, Region};
use sandbox::EnvironmentId;

use super::version::Version;
use crate::admission::{AccountUse, FunctionUse};
use crate::environment::Environment;
use crate::function::{Function, SharedFunction};

/// Everything the pool's lock guards.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) closing: bool,
    pub(super) accounts: HashMap<(AccountId, Region), Account>,
    pub(crate) environments: HashMap<EnvironmentId, Arc<Environment>>,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) limit: Option<u32>,
    pub(super) set_aside: u32,
    pub(super) unreserved_running: u32,
    pub(super) functions: HashMap<String, FunctionEntry>,
}

#[derive(Debug, Default)]
pub(super) struct FunctionEntry {
    pub(super) in_use: FunctionUse,
    pub(super) versions: HashMap<Option<Qualifier>, Version>,
}

impl State {
    pub(super) fn account_mut(&mut self, function: &Function) -> &mut Account {
        self.accounts.entry((function.account().clone(), function.region().clone())).or_default()
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = &Version> {
        let entries = self.accounts.values().flat_map(|account| account.functions.values());
        entries.flat_map(|entry| entry.versions.values())
    }

    pub(crate) fn version_mut(&mut self, arn: &FunctionArn) -> Option<&mut Version> {
        let account = self.accounts.get_mut(&(arn.account.clone(), arn.region.clone()))?;
        account.functions.get_mut(&arn.name)?.versions.get_mut(&arn.qualifier)
    }

    /// The version, made when it is not known, and what its function sets aside is counted anew afterwards.
    pub(crate) fn change_version(&mut self, arn: &FunctionArn, change: impl FnOnce(&mut Version)) {
        let account = self.accounts.entry((arn.account.clone(), arn.region.clone())).or_default();
        let entry = account.functions.entry(arn.name.clone()).or_default();
        change(entry.versions.entry(arn.qualifier.clone()).or_default());
        entry.count_provisioned();
        account.recount();
    }

    /// Whether somebody is to start filling a version: there are too few, and nobody does it yet.
    pub(crate) fn begin_filling(&mut self, arn: &FunctionArn) -> bool {
        let closing = self.closing;
        let Some(provisioned) = self.version_mut(arn).and_then(|version| version.provisioned.as_mut()) else {
            return false;
        };
        let begins = !closing
            && !provisioned.filling
            && provisioned.failure.is_none()
            && provisioned.allocated < provisioned.wanted;
        provisioned.filling |= begins;
        begins
    }

    /// The function to start one more environment of, which is counted; `None` when there are enough.
    pub(crate) fn next_to_fill(&mut self, arn: &FunctionArn) -> Option<SharedFunction> {
        let closing = self.closing;
        let provisioned = self.version_mut(arn)?.provisioned.as_mut()?;
        if closing || provisioned.allocated >= provisioned.wanted {
            provisioned.filling = false;
            return None;
        }
        provisioned.allocated += 1;
        Some(provisioned.function.clone())
    }

    /// The environment that was counted could not be started.
    pub(crate) fn filling_failed(&mut self, arn: &FunctionArn, why: String) {
        let Some(provisioned) = self.version_mut(arn).and_then(|version| version.provisioned.as_mut()) else {
            return;
        };
        provisioned.allocated = provisioned.allocated.saturating_sub(1);
        provisioned.filling = false;
        provisioned.failure = Some(why);
    }

    pub(super) fn release_place(&mut self, arn: &FunctionArn, provisioned: bool) {
        let Some(account) = self.accounts.get_mut(&(arn.account.clone(), arn.region.clone())) else { return };
        let Some(entry) = account.functions.get_mut(&arn.name) else { return };
        if provisioned {
            if let Some(version) = entry.versions.get_mut(&arn.qualifier) {
                version.provisioned_running = version.provisioned_running.saturating_sub(1);
            }
            return;
        }
        entry.in_use.running = entry.in_use.running.saturating_sub(1);
        if entry.in_use.reserved.is_none() {
            account.unreserved_running = account.unreserved_running.saturating_sub(1);
        }
    }

    /// Drops what is known of a version that has nothing left, so that deleted functions leave nothing behind.
    pub(super) fn forget_empty(&mut self, arn: &FunctionArn) {
        let Some(account) = self.accounts.get_mut(&(arn.account.clone(), arn.region.clone())) else { return };
        let Some(entry) = account.functions.get_mut(&arn.name) else { return };
        let quiet = entry.in_use.running == 0;
        if quiet && entry.versions.get(&arn.qualifier).is_some_and(Version::is_empty) {
            entry.versions.remove(&arn.qualifier);
        }
        if entry.versions.is_empty() && entry.in_use == FunctionUse::default() {
            account.functions.remove(&arn.name);
        }
    }
}

impl Account {
    pub(super) fn in_use(&self, default_limit: u32) -> AccountUse {
        AccountUse {
            limit: self.limit.unwrap_or(default_limit),
            set_aside: self.set_aside,
            unreserved_running: self.unreserved_running,
        }
    }

    pub(super) fn set_reserved(&mut self, name: &str, reserved: Option<u32>) {
        // The name is copied only for a function that is not known yet.
        match self.functions.get_mut(name) {
            Some(entry) if entry.in_use.reserved == reserved => return,
            Some(entry) => entry.in_use.reserved = reserved,
            None => {
                self.functions.entry(name.to_owned()).or_default().in_use.reserved = reserved;
            }
        }
        self.recount();
    }

    pub(super) fn recount(&mut self) {
        self.set_aside = self.functions.values().map(|entry| entry.in_use.set_aside()).sum();
        let unreserved = self.functions.values().filter(|entry| entry.in_use.reserved.is_none());
        self.unreserved_running = unreserved.map(|entry| entry.in_use.running).sum();
    }
}

impl FunctionEntry {
    pub(super) fn count_provisioned(&mut self) {
        let wanted = self.versions.values().filter_map(|version| version.provisioned.as_ref());
        self.in_use.provisioned = wanted.map(|provisioned| provisioned.wanted).sum();
    }
}
