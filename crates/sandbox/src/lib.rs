//! Where a function runs.
//!
//! A [`Sandbox`] turns an [`EnvironmentSpec`] into a running [`Environment`]: a process tree of its own, with a
//! listener at which the server speaks the Runtime API to it, and a pipe with its output. What goes over them
//! is not this crate's business.

mod environment;
mod isolation;
mod process;
mod spec;

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod fault;
#[cfg(target_os = "linux")]
mod installation;
#[cfg(target_os = "linux")]
pub mod launcher;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod seccomp;
#[cfg(target_os = "linux")]
mod syscalls;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use environment::{Environment, Exit, Process};
pub use isolation::{Isolation, IsolationFeature};
#[cfg(target_os = "linux")]
pub use launcher::PoolSizes;
#[cfg(target_os = "linux")]
pub use linux::{LinuxOptions, LinuxSandbox, Unavailable};
pub use process::{ProcessOptions, ProcessSandbox};
pub use spec::{EnvironmentId, EnvironmentSpec, Network, Program, ZygoteKey};

/// Starts execution environments.
#[async_trait]
pub trait Sandbox: Send + Sync + Debug {
    /// Starts an environment. When this returns, its runtime has been started (or taken from a pool and bound
    /// to the function) and will call its Runtime API.
    async fn start(&self, spec: EnvironmentSpec) -> Result<Environment, StartError>;

    /// Says that environments like this will be wanted, so that pools can be filled ahead of need. A hint.
    fn expect(&self, spec: &EnvironmentSpec);

    /// What this host's isolation consists of, and what it lacks.
    fn isolation(&self) -> Isolation;

    /// Ends everything that is running or pooled, and waits until it is gone.
    async fn shut_down(&self);
}

/// The sandbox as the engine holds it.
pub type SharedSandbox = Arc<dyn Sandbox>;

/// An environment could not be started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StartError {
    /// The runtime's program is missing or cannot be executed (`Runtime.InvalidEntrypoint`).
    #[error("the entrypoint cannot be executed: {0}")]
    InvalidEntrypoint(String),
    /// The host has no memory, process or other room left for one more.
    #[error("the host has no room for another environment: {0}")]
    NoRoom(String),
    /// Anything else: a fault of ours or of the host.
    #[error("the environment could not be started: {0}")]
    Failed(String),
}
