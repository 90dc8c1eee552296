//! What runs and what stands by, for metrics and for operators.

use std::collections::HashMap;

use ids::{AccountId, FunctionArn, Region};

use super::account::{Account, State};
use super::version::Version;

/// What runs and what stands by, in one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// The account's limit.
    pub limit: u32,
    /// What of the limit functions without a reservation may use.
    pub unreserved: u32,
    /// How many on-demand invocations of functions without a reservation run.
    pub unreserved_running: u32,
    /// Each version that has environments or runs.
    pub functions: Vec<FunctionConcurrency>,
}

/// What runs and what stands by of one version of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionConcurrency {
    /// The version.
    pub arn: FunctionArn,
    /// Invocations on any environment of this version, those that start included.
    pub running: u32,
    /// Of these, on provisioned environments.
    pub provisioned_running: u32,
    /// Idle environments, provisioned ones included.
    pub idle: u32,
    /// All environments.
    pub environments: u32,
}

impl Account {
    pub(super) fn snapshot(
        &self,
        id: &AccountId,
        region: &Region,
        default_limit: u32,
        state: &State,
    ) -> Snapshot {
        let mut functions = HashMap::<FunctionArn, FunctionConcurrency>::new();
        for (name, entry) in &self.functions {
            for (qualifier, version) in &entry.versions {
                let arn = FunctionArn {
                    region: region.clone(),
                    account: id.clone(),
                    name: name.clone(),
                    qualifier: qualifier.clone(),
                };
                functions.insert(arn.clone(), version.concurrency(arn));
            }
        }
        for environment in state.environments.values() {
            if let Some(function) = functions.get_mut(&environment.function.arn) {
                function.environments += 1;
                function.running += u32::from(environment.use_.is_busy());
            }
        }
        let mut functions: Vec<_> = functions.into_values().collect();
        functions.sort_by(|a, b| a.arn.cmp(&b.arn));
        let limit = self.limit.unwrap_or(default_limit);
        Snapshot {
            account: id.clone(),
            region: region.clone(),
            limit,
            unreserved: limit.saturating_sub(self.set_aside),
            unreserved_running: self.unreserved_running,
            functions,
        }
    }
}

impl Version {
    fn concurrency(&self, arn: FunctionArn) -> FunctionConcurrency {
        FunctionConcurrency {
            arn,
            running: 0,
            provisioned_running: self.provisioned_running,
            idle: u32::try_from(self.idle.len() + self.idle_provisioned.len()).unwrap_or(u32::MAX),
            environments: 0,
        }
    }
}
