//! Who holds which environment: counts, idle environments, and whether another may be started.

mod account;
mod snapshot;
mod version;

pub use snapshot::{FunctionConcurrency, Snapshot};
pub(crate) use version::Provisioned;

use account::State;
use version::Idle;

use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Timestamp;
use ids::{AccountId, FunctionArn, Region};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::admission::admit;
use crate::environment::Environment;
use crate::function::Function;
use crate::{InvokeError, ThrottleReason};

/// What a request for an environment comes to.
#[derive(Debug)]
pub(crate) enum Acquired {
    /// This one, taken.
    Warm(Arc<Environment>),
    /// None is idle, but another may be started: its place is counted.
    Start,
    /// One is about to be free: try again when this completes.
    Wait(Waiting),
}

/// One who waits for an environment.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) released: std::pin::Pin<Box<OwnedNotified>>,
    /// How many wait for the same version; counts down with this.
    waiters: Arc<AtomicI32>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One invocation on its way.
#[derive(Debug)]
pub(crate) struct Flight(Arc<Pool>);

impl Drop for Flight {
    fn drop(&mut self) {
        if self.0.flights.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.released.notify_waiters();
        }
    }
}

/// All environments of a server.
#[derive(Debug)]
pub(crate) struct Pool {
    account_limit: u32,
    /// Invocations on their way.
    flights: AtomicUsize,
    state: Mutex<State>,
    /// Told whenever an environment has become free or a place has.
    released: Arc<Notify>,
    /// Told when there is an environment where there was none.
    pub(crate) inhabited: Notify,
}

impl Pool {
    pub(crate) fn new(account_limit: u32) -> Self {
        Self {
            account_limit,
            flights: AtomicUsize::new(0),
            state: Mutex::default(),
            released: Arc::default(),
            inhabited: Notify::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an environment for an invocation. `outdated` receives those found unusable on the way, to be
    /// disposed of once the lock is released. Unless `patient`, never answers [`Acquired::Wait`].
    pub(crate) fn acquire(
        &self,
        function: &Function,
        reserved: Option<u32>,
        patient: bool,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Result<Acquired, InvokeError> {
        let mut state = self.lock();
        let acquired = self.acquire_from(&mut state, function, reserved, patient, outdated);
        if acquired.is_err() {
            // A throttled function that has nothing running leaves nothing behind.
            state.forget_empty(&function.arn);
        }
        acquired
    }

    fn acquire_from(
        &self,
        state: &mut State,
        function: &Function,
        reserved: Option<u32>,
        patient: bool,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Result<Acquired, InvokeError> {
        if state.closing {
            return Err(InvokeError::Internal("the server is shutting down".to_owned()));
        }
        let account = state.account_mut(function);
        account.limit.get_or_insert(self.account_limit);
        account.set_reserved(&function.arn.name, reserved);
        let use_of_account = account.in_use(self.account_limit);
        let Some(entry) = account.functions.get_mut(&function.arn.name) else {
            return Err(InvokeError::Internal("the function's entry is missing".to_owned()));
        };
        let version = entry.versions.entry(function.arn.qualifier.clone()).or_default();
        version.adopt(&function.revision, outdated);
        if let Some(environment) = version.take_provisioned(function.timeout, outdated) {
            version.provisioned_running += 1;
            environment.use_.take();
            return Ok(Acquired::Warm(environment));
        }
        let admitted = admit(use_of_account, entry.in_use);
        let idle = admitted.is_ok().then(|| version.take_idle(function.timeout, outdated)).flatten();
        if idle.is_none() && patient && version.somebody_finishes() {
            version.waiters.fetch_add(1, Ordering::SeqCst);
            let waiters = version.waiters.clone();
            return Ok(Acquired::Wait(Waiting {
                released: Box::pin(self.released.clone().notified_owned()),
                waiters,
            }));
        }
        admitted.map_err(InvokeError::Throttled)?;
        entry.in_use.running += 1;
        if entry.in_use.reserved.is_none() {
            account.unreserved_running += 1;
        }
        Ok(match idle {
            Some(environment) => {
                environment.use_.take();
                Acquired::Warm(environment)
            }
            None => Acquired::Start,
        })
    }

    /// Gives up the idle environments of older revisions of a version.
    pub(crate) fn adopt(&self, function: &Function) -> Vec<Arc<Environment>> {
        let mut outdated = Vec::new();
        if let Some(version) = self.lock().version_mut(&function.arn) {
            version.adopt(&function.revision, &mut outdated);
        }
        outdated
    }

    /// Gives back the place that [`Acquired::Start`] counted, when no environment came of it.
    pub(crate) fn release_place(&self, arn: &FunctionArn) {
        let mut state = self.lock();
        state.release_place(arn, false);
        state.forget_empty(arn);
        drop(state);
        self.released.notify_waiters();
    }

    /// Where the environments of a version count themselves while they are about to be free.
    pub(crate) fn finishing_of(&self, arn: &FunctionArn) -> Arc<AtomicI32> {
        let mut counter = None;
        self.lock().change_version(arn, |version| counter = Some(version.finishing.clone()));
        counter.unwrap_or_default()
    }

    /// A new environment belongs to the pool. One for an invocation is taken already; others are idle.
    pub(crate) fn add(&self, environment: &Arc<Environment>, taken: bool) {
        let mut state = self.lock();
        state.change_version(&environment.function.arn, |version| {
            version.environments += 1;
            if !taken {
                version.idle_provisioned.push(environment.clone());
            }
        });
        if taken {
            environment.use_.take();
        }
        state.environments.insert(environment.id.clone(), environment.clone());
        drop(state);
        self.inhabited.notify_waiters();
        self.released.notify_waiters();
    }

    /// A busy environment is free again: to be reused, or (false) to be disposed of.
    pub(crate) fn give_back(&self, environment: &Arc<Environment>, now: Timestamp) -> bool {
        let mut state = self.lock();
        if environment.use_.retired.load(Ordering::SeqCst) {
            return true;
        }
        environment.use_.give_back();
        state.release_place(&environment.function.arn, environment.provisioned);
        let closing = state.closing;
        let reusable = match state.version_mut(&environment.function.arn) {
            Some(version) if version.revision == environment.function.revision && !closing => {
                version.put(environment, now)
            }
            _ => false,
        };
        drop(state);
        self.released.notify_waiters();
        reusable
    }

    /// An environment is given out no more, and what it holds is free.
    pub(crate) fn retire(&self, environment: &Arc<Environment>) {
        let mut state = self.lock();
        if environment.use_.retired.swap(true, Ordering::SeqCst) {
            return;
        }
        if environment.use_.is_busy() {
            environment.use_.give_back();
            state.release_place(&environment.function.arn, environment.provisioned);
        }
        // One that failed to initialize is not counted here but by who started it.
        let counted = environment.provisioned && state.environments.contains_key(&environment.id);
        if let Some(version) = state.version_mut(&environment.function.arn) {
            version.idle.retain(|idle| !Arc::ptr_eq(&idle.environment, environment));
            version.idle_provisioned.retain(|idle| !Arc::ptr_eq(idle, environment));
            if let Some(provisioned) = version.provisioned.as_mut().filter(|_| counted) {
                provisioned.allocated = provisioned.allocated.saturating_sub(1);
            }
        }
        drop(state);
        self.released.notify_waiters();
    }

    /// An environment is gone.
    pub(crate) fn remove(&self, environment: &Arc<Environment>) {
        let mut state = self.lock();
        // One that failed to initialize never was in the pool.
        if state.environments.remove(&environment.id).is_some()
            && let Some(version) = state.version_mut(&environment.function.arn)
        {
            version.environments = version.environments.saturating_sub(1);
        }
        state.forget_empty(&environment.function.arn);
        drop(state);
        self.released.notify_waiters();
    }

    /// Completes once every environment is gone.
    pub(crate) async fn empty(&self) {
        loop {
            let released = self.released.clone().notified_owned();
            if self.lock().environments.is_empty() {
                return;
            }
            released.await;
        }
    }

    /// Retires an environment if it has been idle since `before` or longer.
    pub(crate) fn retire_idle(&self, environment: &Arc<Environment>, before: Timestamp) -> bool {
        let mut state = self.lock();
        let Some(version) = state.version_mut(&environment.function.arn) else { return false };
        let expired = |idle: &Idle| Arc::ptr_eq(&idle.environment, environment) && idle.since <= before;
        // Once it is off the list nobody can take it any more.
        let position = version.idle.iter().position(expired);
        position.map(|position| version.idle.remove(position)).is_some()
    }

    /// Sets the reserved concurrency of a function, so that the account keeps it free.
    pub(crate) fn set_reserved(&self, arn: &FunctionArn, reserved: Option<u32>) {
        let mut state = self.lock();
        let account = state.accounts.entry((arn.account.clone(), arn.region.clone())).or_default();
        account.set_reserved(&arn.name, reserved);
    }

    /// Sets the concurrency of an account.
    pub(crate) fn set_limit(&self, account: &AccountId, region: &Region, limit: u32) {
        self.lock().accounts.entry((account.clone(), region.clone())).or_default().limit = Some(limit);
    }

    /// The concurrency of an account.
    pub(crate) fn limit(&self, account: &AccountId, region: &Region) -> u32 {
        let state = self.lock();
        let account = state.accounts.get(&(account.clone(), region.clone()));
        account.and_then(|account| account.limit).unwrap_or(self.account_limit)
    }

    /// The function is gone. Returns its idle environments; busy ones are disposed of when they are free.
    pub(crate) fn forget(&self, arn: &FunctionArn) -> Vec<Arc<Environment>> {
        let mut state = self.lock();
        let Some(account) = state.accounts.get_mut(&(arn.account.clone(), arn.region.clone())) else {
            return Vec::new();
        };
        let mut idle = Vec::new();
        if let Some(entry) = account.functions.get_mut(&arn.name) {
            for (qualifier, version) in &mut entry.versions {
                if arn.qualifier.is_none() || arn.qualifier == *qualifier {
                    version.provisioned = None;
                    version.adopt("", &mut idle);
                }
            }
            entry.count_provisioned();
        }
        if arn.qualifier.is_none() {
            account.set_reserved(&arn.name, None);
        }
        account.recount();
        idle
    }

    /// The idle on-demand environments that have been idle since `before` or longer.
    pub(crate) fn idle_since(&self, before: Timestamp) -> Vec<Arc<Environment>> {
        let state = self.lock();
        let idle = state.versions().flat_map(|version| &version.idle);
        idle.filter(|idle| idle.since <= before).map(|idle| idle.environment.clone()).collect()
    }

    /// Since when the longest idle on-demand environment has been idle.
    pub(crate) fn longest_idle(&self) -> Option<(Timestamp, Arc<Environment>)> {
        let state = self.lock();
        let first = state.versions().filter_map(|version| version.idle.first());
        first.min_by_key(|idle| idle.since).map(|idle| (idle.since, idle.environment.clone()))
    }

    /// All environments.
    pub(crate) fn environments(&self) -> Vec<Arc<Environment>> {
        self.lock().environments.values().cloned().collect()
    }

    /// An invocation is on its way until the flight is dropped.
    pub(crate) fn take_off(self: &Arc<Self>) -> Flight {
        self.flights.fetch_add(1, Ordering::SeqCst);
        Flight(self.clone())
    }

    /// Completes once no invocation is on its way: every one has its last log line.
    pub(crate) async fn all_landed(&self) {
        loop {
            let released = self.released.clone().notified_owned();
            if self.flights.load(Ordering::SeqCst) == 0 {
                return;
            }
            released.await;
        }
    }

    /// What runs and what stands by.
    pub(crate) fn snapshot(&self) -> Vec<Snapshot> {
        let state = self.lock();
        let accounts = state.accounts.iter();
        accounts
            .map(|((id, region), account)| account.snapshot(id, region, self.account_limit, &state))
            .collect()
    }
}

/// The answer to a request for an environment on a host that has no room.
pub(crate) const NO_ROOM: InvokeError = InvokeError::Throttled(ThrottleReason::HostCapacityExceeded);
