//! What a function's name and qualifier lead to, ready to run, kept in memory: a warm invocation reads no store.
//!
//! Every write of this process forgets the function's routes after its commit. A route that was read before a commit
//! and is ready after it must not be kept: each function is forgotten under a new generation, and only what was read
//! in the present one is kept.

mod target;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ids::Qualifier;

pub(crate) use target::{Target, make_target};

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;
use crate::tables::alias::ALIASES;
use crate::tables::function::{FUNCTIONS, FunctionKey, FunctionRecord, VERSIONS, VersionRecord};

/// Where invocations of a function under a qualifier go.
#[derive(Debug)]
pub(crate) struct Route {
    main: Arc<Target>,
    /// Another version, and the share of invocations that go there.
    additional: Option<(Arc<Target>, f64)>,
    /// The reserved concurrency of the whole function.
    pub(crate) reserved_concurrency: Option<u32>,
}

impl Route {
    /// The version for one invocation; `unit` is a random number from 0 to 1.
    pub(crate) fn choose(&self, unit: impl FnOnce() -> f64) -> &Arc<Target> {
        match &self.additional {
            Some((target, weight)) if unit() < *weight => target,
            _ => &self.main,
        }
    }
}

/// All routes that are known.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    state: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    generation: u64,
    functions: HashMap<FunctionKey, HashMap<Option<Qualifier>, Arc<Route>>>,
}

impl Routes {
    /// Forgets what was known of a function.
    pub(crate) fn forget(&self, key: &FunctionKey) {
        let mut known = self.write();
        known.generation += 1;
        known.functions.remove(key);
    }

    fn get(&self, reference: &FunctionReference) -> Option<Arc<Route>> {
        self.read().functions.get(&reference.key)?.get(&reference.qualifier).cloned()
    }

    fn generation(&self) -> u64 {
        self.read().generation
    }

    fn keep(&self, generation: u64, reference: &FunctionReference, route: &Arc<Route>) {
        let mut known = self.write();
        if known.generation == generation {
            let routes = known.functions.entry(reference.key.clone()).or_default();
            routes.insert(reference.qualifier.clone(), route.clone());
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where invocations of this function and qualifier go.
///
/// # Errors
/// `ResourceNotFoundException`; `ResourceConflictException` while it cannot be invoked.
pub(crate) async fn find_route(lambda: &Lambda, reference: &FunctionReference) -> Outcome<Arc<Route>> {
    if let Some(route) = lambda.routes.get(reference) {
        return Ok(route);
    }
    let generation = lambda.routes.generation();
    let route = Arc::new(read_route(lambda, reference).await?);
    lambda.routes.keep(generation, reference, &route);
    Ok(route)
}

async fn read_route(lambda: &Lambda, reference: &FunctionReference) -> Outcome<Route> {
    let snapshot = lambda.snapshot().await?;
    let key = &reference.key;
    let missing = || {
        // Observed on AWS: an invocation without a qualifier is one of $LATEST in this text.
        let qualifier = reference.qualifier.clone().unwrap_or(Qualifier::Latest);
        not_found(format!("Function not found: {}", key.arn().qualified(qualifier)))
    };
    let function = FUNCTIONS.get(&*snapshot, &key.parts()).await?.ok_or_else(missing)?.record;
    let (main, additional) = match &reference.qualifier {
        None | Some(Qualifier::Latest) => (None, None),
        Some(Qualifier::Version(number)) => (Some(*number), None),
        Some(Qualifier::Alias(name)) => {
            let row = ALIASES.get(&*snapshot, &key.parts_and(name.as_str())).await?.ok_or_else(missing)?;
            (row.record.version, row.record.additional)
        }
    };
    let find = async |number: Option<u64>| match number {
        None => make_target(lambda, key, serving(&function)).await,
        Some(number) => {
            let row = VERSIONS.get(&*snapshot, &key.parts_and(number)).await?.ok_or_else(missing)?;
            make_target(lambda, key, &row.record).await
        }
    };
    let main = Arc::new(find(main).await?);
    let additional = match additional {
        Some((number, weight)) => Some((Arc::new(find(Some(number)).await?), weight)),
        None => None,
    };
    Ok(Route { main, additional, reserved_concurrency: function.reserved_concurrency })
}

/// What `$LATEST` runs.
fn serving(function: &FunctionRecord) -> &VersionRecord {
    function.serving.as_ref().unwrap_or(&function.latest)
}

#[cfg(test)]
mod tests {
    use ids::{AccountId, Region};

    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let key = FunctionKey {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            name: "f".to_owned(),
        };
        let reference = FunctionReference { key: key.clone(), qualifier: None };
        let target = Arc::new(Target::of_nothing(&key));
        let route = Arc::new(Route { main: target, additional: None, reserved_concurrency: None });
        let routes = Routes::default();
        let generation = routes.generation();
        routes.forget(&key);
        routes.keep(generation, &reference, &route);
        assert!(routes.get(&reference).is_none());
        routes.keep(routes.generation(), &reference, &route);
        assert!(routes.get(&reference).is_some());
        routes.forget(&key);
        assert!(routes.get(&reference).is_none());
    }
}
