//! A running environment, as the engine sees it.

use std::fmt::Debug;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use async_trait::async_trait;

/// A started environment. Dropping it does not end it: [`Process::kill`] does.
#[derive(Debug)]
pub struct Environment {
    /// Where the runtime and its extensions connect for the Runtime API. Non-blocking. Only this environment
    /// can reach it (in the plain-process fallback: anything on the host's loopback can).
    pub runtime_api: TcpListener,
    /// Where the function reaches the Lambent endpoint, when it is in a network of its own. Non-blocking.
    pub endpoint: Option<TcpListener>,
    /// The read end of the pipe with everything the environment writes to stdout and stderr. Non-blocking.
    pub output: OwnedFd,
    /// External extensions that were started: the file names in `/opt/extensions`.
    pub extensions: Vec<String>,
    /// Whether it came out of a pool: anything made ahead of need went into it, be it a waiting runtime process, a
    /// fork of a resident one, or only an empty jail.
    pub pooled: bool,
    /// Its process tree.
    pub process: Box<dyn Process>,
}

/// How the runtime process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status.
    Status(i32),
    /// This signal ended it.
    Signal(i32),
    /// The kernel ended it because the environment was out of memory.
    OutOfMemory,
}

/// The process tree of an environment.
#[async_trait]
pub trait Process: Send + Sync + Debug {
    /// Completes when the runtime process has ended; at once if it already has. May be awaited many times.
    async fn exited(&self) -> Exit;

    /// Ends the whole tree at once, extensions and grandchildren included, and waits until it is gone and its
    /// mounts and groups are given back.
    async fn kill(&self);

    /// Asks the tree to end (SIGTERM), without waiting.
    fn terminate(&self);

    /// Stops the tree from running, between invocations.
    fn freeze(&self);

    /// Lets the tree run again.
    fn thaw(&self);

    /// Says that the function's init is over. Until then, and for ten seconds at most, an environment has all the
    /// CPU time it can use, as AWS gives it; from then on CPU time follows its memory size. May be said again.
    fn init_finished(&self) {}

    /// The most memory the tree has used so far, in bytes.
    fn memory_peak_bytes(&self) -> u64;
}
