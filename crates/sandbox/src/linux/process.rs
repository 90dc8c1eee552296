//! The process tree of one environment.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tasks::Tasks;
use tokio::sync::watch;

use super::client::Client;
use super::usage;
use crate::cgroup::{Group, Limits};
use crate::launcher::protocol::Request;
use crate::{Exit, Process};

/// Init of an on-demand environment (AWS Lambda developer guide, "Understanding the Lambda execution environment
/// lifecycle").
const INIT_LIMIT: Duration = Duration::from_secs(10);

fn limit_cpu(group: &Group, limits: &Limits) {
    match group.limit_cpu(limits) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "the CPU time of an environment could not be limited");
        }
        // Without it the environment is gone.
        _ => {}
    }
}

/// What has become of an environment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// How the runtime process has ended.
    pub(super) exit: Option<Exit>,
    /// Nothing is left of it.
    gone: bool,
    memory_peak_bytes: u64,
}

impl State {
    pub(super) fn bury(&mut self, memory_peak_bytes: u64) {
        self.exit = self.exit.or(Some(Exit::Signal(libc::SIGKILL)));
        self.gone = true;
        self.memory_peak_bytes = memory_peak_bytes;
    }
}

/// Ends, stops and measures an environment.
#[derive(Debug)]
pub(super) struct LinuxProcess {
    client: Arc<Client>,
    id: u64,
    group: Option<Group>,
    /// The first process of the jail.
    pidfd: OwnedFd,
    limits: Limits,
    state: watch::Receiver<State>,
    memory_peak_bytes: AtomicU64,
}

impl LinuxProcess {
    pub(super) fn new(
        client: Arc<Client>,
        id: u64,
        group: Option<Group>,
        pidfd: OwnedFd,
        limits: Limits,
        state: watch::Receiver<State>,
    ) -> Self {
        Self { client, id, group, pidfd, limits, state, memory_peak_bytes: AtomicU64::new(0) }
    }

    /// Limits the CPU time when the time for init is over, should nobody say so before.
    pub(super) fn watch_init(&self, tasks: &Tasks) {
        let Some(group) = self.group.clone() else { return };
        let limits = self.limits;
        tasks.spawn_until_shutdown("init-cpu-limit", async move {
            clock::execution_sleep(INIT_LIMIT).await;
            limit_cpu(&group, &limits);
        });
    }

    fn signal(&self, signal: i32) {
        self.client.tell(&Request::Signal { id: self.id, signal });
    }

    fn set_frozen(&self, frozen: bool) {
        match &self.group {
            Some(group) if group.can_freeze() => group.set_frozen(frozen),
            // Without control groups signals have to do. The function can see them, and so can its parent.
            _ => self.signal(if frozen { libc::SIGSTOP } else { libc::SIGCONT }),
        }
    }

    /// The final state, once `is_it` holds. When the launcher is gone, so is the environment.
    async fn wait(&self, is_it: impl Fn(&State) -> bool) -> Option<State> {
        let mut state = self.state.clone();
        let reached = state.wait_for(|state| is_it(state)).await;
        reached.ok().map(|state| *state)
    }
}

#[async_trait]
impl Process for LinuxProcess {
    async fn exited(&self) -> Exit {
        let state = self.wait(|state| state.exit.is_some()).await;
        state.and_then(|state| state.exit).unwrap_or(Exit::Signal(libc::SIGKILL))
    }

    async fn kill(&self) {
        if self.state.borrow().gone {
            return;
        }
        self.client.kill(self.id).await;
        self.wait(|state| state.gone).await;
    }

    fn terminate(&self) {
        self.thaw();
        self.signal(libc::SIGTERM);
    }

    fn freeze(&self) {
        self.set_frozen(true);
    }

    fn thaw(&self) {
        self.set_frozen(false);
    }

    fn init_finished(&self) {
        if let Some(group) = &self.group {
            limit_cpu(group, &self.limits);
        }
    }

    fn memory_peak_bytes(&self) -> u64 {
        let now = match &self.group {
            Some(group) => group.memory_peak_bytes(),
            None => usage::memory_peak_bytes(&self.pidfd),
        };
        let last = self.state.borrow().memory_peak_bytes;
        let before = self.memory_peak_bytes.fetch_max(now.max(last), Ordering::Relaxed);
        before.max(now).max(last)
    }
}
