//! Removes code packages that nothing refers to any more.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use packages::PackageKey;

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::tables::package_use;

/// Packages that may have become superfluous. One that is still pinned, as the code of a function that runs is, stays
/// here until the next time; after a restart the sweep finds it.
#[derive(Debug, Default)]
pub(crate) struct Discarded(Mutex<BTreeSet<PackageKey>>);

impl Discarded {
    fn add(&self, keys: Vec<PackageKey>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
    }

    fn remove(&self, key: &PackageKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn all(&self) -> Vec<PackageKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Removes these packages in the background, as far as nothing refers to them. Nothing may depend on when.
pub(crate) fn discard_later(lambda: &Lambda, keys: Vec<PackageKey>) {
    if keys.is_empty() {
        return;
    }
    lambda.discarded.add(keys);
    let inner = lambda.clone();
    lambda.tasks.spawn("package collection", async move {
        if let Err(error) = collect(&inner).await {
            tracing::warn!(?error, "superfluous packages could not be removed");
        }
    });
}

async fn collect(lambda: &Lambda) -> Outcome<()> {
    for key in lambda.discarded.all() {
        let is_used =
            async { Ok::<_, Failure>(package_use::is_used(&*lambda.snapshot().await?, &key).await?) };
        let removed = lambda.packages.remove(&key, is_used).await?;
        if removed || package_use::is_used(&*lambda.snapshot().await?, &key).await? {
            lambda.discarded.remove(&key);
        }
    }
    Ok(())
}

/// Removes all packages that nothing refers to: what a crash left behind.
pub(crate) async fn sweep(lambda: &Lambda) -> Outcome<()> {
    let used = async { Ok::<_, Failure>(package_use::all_used(&*lambda.snapshot().await?).await?) };
    let removed = lambda.packages.sweep(used).await?;
    if removed > 0 {
        tracing::info!(removed, "packages that nothing refers to were removed");
    }
    Ok(())
}
