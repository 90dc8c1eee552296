//! Tells the invoker what is reserved and provisioned: after each change, and after a start, for the invoker keeps
//! none of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use ids::{FunctionArn, Qualifier};
use store::Snapshot;
use wire::Error;

use crate::Lambda;
use crate::errors::Outcome;
use crate::routes::make_target;
use crate::tables::alias::ALIASES;
use crate::tables::concurrency;
use crate::tables::function::{FUNCTIONS, FunctionKey, State, VersionRecord, list_versions};

/// What is going on.
#[derive(Debug, Default)]
pub(crate) struct Provisioning {
    /// Each holds one of these from reading the tables until the invoker knows, so that what was read last is told
    /// last.
    reserving: tokio::sync::Mutex<()>,
    provisioning: tokio::sync::Mutex<()>,
    /// Why versions could not even be handed to the invoker.
    failures: Mutex<BTreeMap<FunctionArn, String>>,
}

impl Provisioning {
    /// Why this version could not be handed to the invoker.
    pub(crate) fn failure(&self, arn: &FunctionArn) -> Option<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    fn set_failure(&self, arn: &FunctionArn, failure: Option<String>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failure {
            Some(failure) => failures.insert(arn.clone(), failure),
            None => failures.remove(arn),
        };
    }
}

/// The version that a qualifier of a provisioned one stands for; none for an alias that is gone or points to
/// `$LATEST`.
pub(crate) async fn version_of(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    qualifier: &str,
) -> Outcome<Option<u64>> {
    match Qualifier::parse(qualifier) {
        Qualifier::Latest => Ok(None),
        Qualifier::Version(number) => Ok(Some(number)),
        Qualifier::Alias(name) => {
            let alias = ALIASES.get(snapshot, &key.parts_and(name.as_str())).await?;
            Ok(alias.and_then(|row| row.record.version))
        }
    }
}

/// Tells what is reserved for a function.
pub(crate) async fn apply_reserved(lambda: &Lambda, key: &FunctionKey) -> Outcome<()> {
    let _turn = lambda.provisioning.reserving.lock().await;
    let function = FUNCTIONS.get_now(&*lambda.store, &key.parts()).await?;
    lambda.invoker.set_reserved(&key.arn(), function.and_then(|row| row.record.reserved_concurrency));
    Ok(())
}

/// Tells in the background what is provisioned for each version of a function. To be called after everything that
/// changes it, the deletion of the function, a version or an alias included.
pub(crate) fn apply_later(lambda: &Lambda, key: &FunctionKey) {
    let (inner, key) = (lambda.clone(), key.clone());
    lambda.tasks.spawn("provisioned concurrency", async move { apply_or_log(&inner, &key).await });
}

/// Tells in the background what is reserved and provisioned for all functions.
pub(crate) fn restore_later(lambda: &Lambda) {
    let inner = lambda.clone();
    lambda.tasks.spawn("provisioned concurrency", async move {
        if let Err(error) = restore(&inner).await {
            tracing::error!(?error, "what is reserved and provisioned could not be read");
        }
    });
}

async fn restore(lambda: &Lambda) -> Outcome<()> {
    let snapshot = lambda.snapshot().await?;
    for row in FUNCTIONS.list(&*snapshot, &[], None, usize::MAX).await? {
        if row.record.reserved_concurrency.is_some() {
            apply_reserved(lambda, &FunctionKey::read(&mut FUNCTIONS.read_key(&row.key)?)?).await?;
        }
    }
    let provisioned = concurrency::list(&*snapshot, &[]).await?;
    let functions: BTreeSet<FunctionKey> = provisioned.into_iter().map(|one| one.key).collect();
    for key in functions {
        apply_or_log(lambda, &key).await;
    }
    Ok(())
}

async fn apply_or_log(lambda: &Lambda, key: &FunctionKey) {
    if let Err(error) = apply(lambda, key).await {
        tracing::error!(function = %key.arn(), ?error, "what is provisioned could not be read");
    }
}

async fn apply(lambda: &Lambda, key: &FunctionKey) -> Outcome<()> {
    let _turn = lambda.provisioning.provisioning.lock().await;
    let snapshot = lambda.snapshot().await?;
    let mut wanted = BTreeMap::<u64, u32>::new();
    for provisioned in concurrency::list(&*snapshot, &key.parts()).await? {
        if let Some(number) = version_of(&*snapshot, key, &provisioned.qualifier).await? {
            let count = wanted.entry(number).or_default();
            *count = count.saturating_add(provisioned.row.record.executions);
        }
    }
    let mut exist = BTreeSet::new();
    for version in list_versions(&*snapshot, key).await? {
        let count = version.record.number.and_then(|number| wanted.get(&number)).copied().unwrap_or(0);
        provision(lambda, key, &version.record, count).await;
        exist.insert(version.record.qualifier());
    }
    forget_deleted(lambda, key, &exist);
    Ok(())
}

async fn provision(lambda: &Lambda, key: &FunctionKey, version: &VersionRecord, count: u32) {
    let arn = key.arn().qualified(version.qualifier());
    let now = lambda.invoker.provisioned(&arn);
    let failed_before = now.failure.is_some() || lambda.provisioning.failure(&arn).is_some();
    if now.requested == count && !failed_before {
        return;
    }
    // This is done again once it is active.
    if version.state == State::Pending {
        return;
    }
    match make_target(lambda, key, version).await {
        Ok(target) => {
            lambda.provisioning.set_failure(&arn, None);
            lambda.invoker.set_provisioned(&target.function, count);
        }
        Err(error) => {
            tracing::error!(function = %arn, ?error, "environments cannot be provisioned");
            let failure = (count > 0).then(|| Error::from(error).message().unwrap_or_default().to_owned());
            lambda.provisioning.set_failure(&arn, failure);
        }
    }
}

/// Ends what was started for versions while they were being deleted.
fn forget_deleted(lambda: &Lambda, key: &FunctionKey, exist: &BTreeSet<Qualifier>) {
    let all = lambda.invoker.concurrency();
    let here = all.iter().filter(|one| one.account == key.account && one.region == key.region);
    for function in here.flat_map(|one| &one.functions).filter(|function| function.arn.name == key.name) {
        let qualifier = function.arn.qualifier.as_ref();
        if matches!(qualifier, Some(version @ Qualifier::Version(_)) if !exist.contains(version)) {
            lambda.provisioning.set_failure(&function.arn, None);
            lambda.invoker.forget(&function.arn);
        }
    }
}

#[cfg(test)]
mod tests;
