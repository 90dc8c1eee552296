//! One version of a function: its idle environments, and what is provisioned for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use clock::Timestamp;

use crate::environment::Environment;
use crate::function::SharedFunction;

/// One version of a function.
#[derive(Debug, Default)]
pub(crate) struct Version {
    /// Environments of another revision are not reused.
    pub(super) revision: String,
    /// Idle on-demand environments, the longest idle first.
    pub(super) idle: Vec<Idle>,
    /// Idle provisioned environments.
    pub(super) idle_provisioned: Vec<Arc<Environment>>,
    /// Environments in any state.
    pub(super) environments: u32,
    /// Environments that have answered and are about to be free.
    pub(crate) finishing: Arc<AtomicI32>,
    pub(super) waiters: Arc<AtomicI32>,
    /// How many invocations run on provisioned environments.
    pub(super) provisioned_running: u32,
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
pub(super) struct Idle {
    pub(super) environment: Arc<Environment>,
    pub(super) since: Timestamp,
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
    pub(super) fn take_idle(
        &mut self,
        needed: Duration,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Option<Arc<Environment>> {
        while let Some(idle) = self.idle.pop() {
            if idle.environment.credentials.lasts(needed) {
                return Some(idle.environment);
            }
            outdated.push(idle.environment);
        }
        None
    }

    pub(super) fn take_provisioned(
        &mut self,
        needed: Duration,
        outdated: &mut Vec<Arc<Environment>>,
    ) -> Option<Arc<Environment>> {
        while let Some(idle) = self.idle_provisioned.pop() {
            if idle.credentials.lasts(needed) {
                return Some(idle);
            }
            outdated.push(idle);
        }
        None
    }

    pub(super) fn put(&mut self, environment: &Arc<Environment>, now: Timestamp) -> bool {
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
    pub(super) fn somebody_finishes(&self) -> bool {
        self.finishing.load(Ordering::SeqCst) > self.waiters.load(Ordering::SeqCst)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.idle.is_empty()
            && self.idle_provisioned.is_empty()
            && self.provisioned.is_none()
            && self.provisioned_running == 0
            && self.environments == 0
    }
}
