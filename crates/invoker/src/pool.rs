//! Who holds which environment: counts, idle environments, and whether another may be started.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Timestamp;
use ids::{AccountId, FunctionArn, Qualifier, Region};
use sandbox::EnvironmentId;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::admission::{AccountUse, FunctionUse, admit};
use crate::environment::Environment;
use crate::function::{Function, SharedFunction};
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

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) closing: bool,
    accounts: HashMap<(AccountId, Region), Account>,
    pub(crate) environments: HashMap<EnvironmentId, Arc<Environment>>,
}

#[derive(Debug, Default)]
struct Account {
    limit: Option<u32>,
    set_aside: u32,
    unreserved_running: u32,
    functions: HashMap<String, FunctionEntry>,
}

#[derive(Debug, Default)]
struct FunctionEntry {
    in_use: FunctionUse,
    versions: HashMap<Option<Qualifier>, Version>,
}

/// One version of a function.
#[derive(Debug, Default)]
pub(crate) struct Version {
    /// Environments of another revision are not reused.
    revision: String,
    /// Idle on-demand environments, the longest idle first.
    idle: Vec<Idle>,
    /// Idle provisioned environments.
    idle_provisioned: Vec<Arc<Environment>>,
    /// Environments in any state.
    environments: u32,
    /// Environments that have answered and are about to be free.
    pub(crate) finishing: Arc<AtomicI32>,
    waiters: Arc<AtomicI32>,
    /// How many invocations run on provisioned environments.
    provisioned_running: u32,
    pub(crate) provisioned: Option<Provisioned>,
}

/// The provisioned concurrency of a version.
#[derive(Debug)]
pub(crate) struct Provisioned {
    pub(crate) function: SharedFunction,
    pub(crate) wanted: u32,
    /// Environments that exist, idle or busy.
    pub(crate) allocated: u32,
    /// Somebody is starting environments until there are enough.
    pub(crate) filling: bool,
    /// Why the last one could not be started.
    pub(crate) failure: Option<String>,
}

#[derive(Debug)]
struct Idle {
    environment: Arc<Environment>,
    since: Timestamp,
}

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
        now: Timestamp,
        patient: bool,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Result<Acquired, InvokeError> {
        let mut state = self.lock();
        let state = &mut *state;
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
        let needed_until = now + function.timeout;
        if let Some(environment) = version.take_provisioned(needed_until, outdated) {
            version.provisioned_running += 1;
            environment.use_.take();
            return Ok(Acquired::Warm(environment));
        }
        let admitted = admit(use_of_account, entry.in_use);
        let idle = admitted.is_ok().then(|| version.take_idle(needed_until, outdated)).flatten();
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

    /// Gives back the place that [`Acquired::Start`] counted, when no environment came of it.
    pub(crate) fn release_place(&self, arn: &FunctionArn) {
        self.lock().release_place(arn, false);
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
        if let Some(version) = state.version_mut(&environment.function.arn) {
            version.idle.retain(|idle| !Arc::ptr_eq(&idle.environment, environment));
            version.idle_provisioned.retain(|idle| !Arc::ptr_eq(idle, environment));
            if let Some(provisioned) = version.provisioned.as_mut().filter(|_| environment.provisioned) {
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

impl State {
    fn account_mut(&mut self, function: &Function) -> &mut Account {
        self.accounts.entry((function.account().clone(), function.region().clone())).or_default()
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
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

    fn release_place(&mut self, arn: &FunctionArn, provisioned: bool) {
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
    fn forget_empty(&mut self, arn: &FunctionArn) {
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
    fn in_use(&self, default_limit: u32) -> AccountUse {
        AccountUse {
            limit: self.limit.unwrap_or(default_limit),
            set_aside: self.set_aside,
            unreserved_running: self.unreserved_running,
        }
    }

    fn set_reserved(&mut self, name: &str, reserved: Option<u32>) {
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

    fn recount(&mut self) {
        self.set_aside = self.functions.values().map(|entry| entry.in_use.set_aside()).sum();
        let unreserved = self.functions.values().filter(|entry| entry.in_use.reserved.is_none());
        self.unreserved_running = unreserved.map(|entry| entry.in_use.running).sum();
    }

    fn snapshot(&self, id: &AccountId, region: &Region, default_limit: u32, state: &State) -> Snapshot {
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

impl FunctionEntry {
    fn count_provisioned(&mut self) {
        let wanted = self.versions.values().filter_map(|version| version.provisioned.as_ref());
        self.in_use.provisioned = wanted.map(|provisioned| provisioned.wanted).sum();
    }
}

impl Version {
    /// Makes `revision` the one that is reused; idle environments of another are given up.
    pub(crate) fn adopt(&mut self, revision: &str, outdated: &mut Vec<Arc<Environment>>) {
        if self.revision != revision {
            revision.clone_into(&mut self.revision);
            outdated.extend(self.idle.drain(..).map(|idle| idle.environment));
            outdated.append(&mut self.idle_provisioned);
        }
    }

    /// The most recently used idle environment: the others can expire.
    fn take_idle(
        &mut self,
        until: Timestamp,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Option<Arc<Environment>> {
        while let Some(idle) = self.idle.pop() {
            if idle.environment.usable_until > until {
                return Some(idle.environment);
            }
            outdated.push(idle.environment);
        }
        None
    }

    fn take_provisioned(
        &mut self,
        until: Timestamp,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Option<Arc<Environment>> {
        while let Some(idle) = self.idle_provisioned.pop() {
            if idle.usable_until > until {
                return Some(idle);
            }
            outdated.push(idle);
        }
        None
    }

    fn put(&mut self, environment: &Arc<Environment>, now: Timestamp) -> bool {
        if !environment.provisioned {
            self.idle.push(Idle { environment: environment.clone(), since: now });
            return true;
        }
        let wanted = self.provisioned.as_ref().is_some_and(|p| p.allocated <= p.wanted);
        if wanted {
            self.idle_provisioned.push(environment.clone());
        }
        wanted
    }

    /// Takes idle provisioned environments beyond what is wanted.
    pub(crate) fn take_superfluous(&mut self) -> Vec<Arc<Environment>> {
        let (wanted, allocated) =
            self.provisioned.as_ref().map_or((0, u32::MAX), |p| (p.wanted, p.allocated));
        let superfluous = usize::try_from(allocated.saturating_sub(wanted)).unwrap_or(usize::MAX);
        let keep = self.idle_provisioned.len().saturating_sub(superfluous);
        self.idle_provisioned.split_off(keep)
    }

    /// How many provisioned environments could take an invocation or have one.
    pub(crate) fn provisioned_available(&self) -> u32 {
        u32::try_from(self.idle_provisioned.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.provisioned_running)
    }

    /// More are about to be free than wait already.
    fn somebody_finishes(&self) -> bool {
        self.finishing.load(Ordering::SeqCst) > self.waiters.load(Ordering::SeqCst)
    }

    fn is_empty(&self) -> bool {
        self.idle.is_empty()
            && self.idle_provisioned.is_empty()
            && self.provisioned.is_none()
            && self.provisioned_running == 0
            && self.environments == 0
    }

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

/// The answer to a request for an environment on a host that has no room.
pub(crate) const NO_ROOM: InvokeError = InvokeError::Throttled(ThrottleReason::HostCapacityExceeded);
