//! What a function's name and qualifier lead to, ready to run, kept in memory: a warm invocation reads no store.
//!
//! Every write of this process forgets the function's routes after its commit. A route that was read before a commit
//! and is ready after it must not be kept: each function is forgotten under a new generation, and only what was read
//! in the present one is kept.

mod target;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use ids::Qualifier;

pub(crate) use target::{Target, make_target};

use delivery::EventSettings;

use crate::Lambda;
use crate::errors::{Failure, Outcome, not_found};
use crate::events::read_settings;
use crate::figures::Figures;
#[cfg(test)]
use crate::figures::InFlight;
use crate::function::FunctionReference;
use crate::lineage::Hash;
use crate::tables::alias::ALIASES;
use crate::tables::function::{FUNCTIONS, FunctionKey, FunctionRecord, VERSIONS, VersionRecord};

/// Where invocations of a function under a qualifier go.
#[derive(Debug)]
pub(crate) struct Route {
    main: Arc<Branch>,
    /// Another version, and the share of invocations that go there.
    additional: Option<(Arc<Branch>, f64)>,
    /// The reserved concurrency of the whole function.
    pub(crate) reserved_concurrency: Option<u32>,
    /// The function's name in the headers of chains of requests.
    pub(crate) hash: Hash,
    /// Loops are not stopped.
    pub(crate) allows_loops: bool,
    /// How asynchronous events are handled.
    pub(crate) events: EventSettings,
}

/// A version that a route leads to.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) target: Target,
    /// Where its invocations through this route count.
    pub(crate) figures: Arc<Figures>,
}

impl Branch {
    /// The version, as answers name it.
    pub(crate) fn executed_version(&self) -> String {
        self.target.function.arn.qualifier.as_ref().unwrap_or(&Qualifier::Latest).to_string()
    }
}

#[cfg(test)]
impl Route {
    /// For tests that run nothing.
    fn to_nothing(key: &FunctionKey) -> Self {
        let metrics = Arc::<crate::tests::ports::Seen>::default();
        let figures = Arc::new(Figures::new((&InFlight::default(), metrics), key, None, None, None));
        let main = Arc::new(Branch { target: Target::of_nothing(key), figures });
        Self {
            main,
            additional: None,
            reserved_concurrency: None,
            hash: Hash::of(&key.arn()),
            allows_loops: false,
            events: EventSettings {
                maximum_retry_attempts: 2,
                maximum_event_age: Duration::from_secs(60),
                on_success: None,
                on_failure: None,
                dead_letter: None,
                is_switched_off: false,
                metrics: crate::figures::source(key, None, None),
            },
        }
    }
}

impl Route {
    /// The version for one invocation; `unit` is a random number from 0 to 1.
    pub(crate) fn choose(&self, unit: impl FnOnce() -> f64) -> &Arc<Branch> {
        match &self.additional {
            Some((branch, weight)) if unit() < *weight => branch,
            _ => &self.main,
        }
    }

    /// How long an invocation may take.
    pub(crate) fn timeout(&self) -> Duration {
        let main = self.main.target.function.timeout;
        self.additional.as_ref().map_or(main, |(branch, _)| main.max(branch.target.function.timeout))
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
    loop {
        let generation = lambda.routes.generation();
        match read_route(lambda, reference).await {
            Ok(route) => {
                let route = Arc::new(route);
                lambda.routes.keep(generation, reference, &route);
                return Ok(route);
            }
            // The code that was to be run may have made way for newer code before its files could be kept.
            Err(Failure::Internal(_)) if generation != lambda.routes.generation() => {}
            Err(error) => return Err(error),
        }
    }
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
        None => Ok(serving(&function).clone()),
        Some(number) => {
            let row = VERSIONS.get(&*snapshot, &key.parts_and(number)).await?;
            Ok::<_, Failure>(row.ok_or_else(missing)?.record)
        }
    };
    let branch = async |version: &VersionRecord, executed: Option<&Qualifier>| {
        let target = make_target(lambda, key, version).await?;
        let counting = (&*lambda.in_flight, lambda.metrics.clone());
        let provisionable =
            version.number.is_some().then(|| (lambda.invoker.clone(), target.function.arn.clone()));
        let figures = Figures::new(counting, key, reference.qualifier.as_ref(), executed, provisionable);
        Ok::<_, Failure>(Arc::new(Branch { target, figures: Arc::new(figures) }))
    };
    let main = find(main).await?;
    let events = read_settings(&*snapshot, reference, &function, &main).await?;
    let (main, additional) = match additional {
        None => (branch(&main, None).await?, None),
        Some((number, weight)) => {
            let second = find(Some(number)).await?;
            let first = branch(&main, Some(&main.qualifier())).await?;
            (first, Some((branch(&second, Some(&second.qualifier())).await?, weight)))
        }
    };
    let (reserved_concurrency, allows_loops) = (function.reserved_concurrency, function.allows_loops);
    Ok(Route { main, additional, reserved_concurrency, hash: Hash::of(&key.arn()), allows_loops, events })
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
        let route = Arc::new(Route::to_nothing(&key));
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
