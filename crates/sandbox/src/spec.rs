//! What an environment is to be.

use std::fmt;
use std::path::{Path, PathBuf};

use ids::AccountId;
use serde::{Deserialize, Serialize};

/// Names an environment on this host; also the 32 hexadecimal digits at the end of its log stream's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EnvironmentId(pub String);

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a function may reach besides its own Runtime API and the Lambent endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Network {
    /// Nothing.
    Endpoint,
    /// What the host reaches: the operator allowed it. The environment then has no network of its own, so this
    /// also gives up what that fences off: services on the host's loopback, the host's abstract unix sockets, and
    /// the Runtime API of every other environment that has the host's network.
    Host,
}

/// The runtime process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Program {
    /// Our Python bootstrap under this interpreter. May be forked from a zygote.
    Python {
        /// The interpreter on the host.
        interpreter: PathBuf,
    },
    /// Our Node.js bootstrap under this interpreter. May be a blank process from a pool.
    Node {
        /// The interpreter on the host.
        interpreter: PathBuf,
    },
    /// The first of `/var/runtime/bootstrap`, `/var/task/bootstrap` and `/opt/bootstrap` that exists.
    Bootstrap,
}

impl Program {
    /// The interpreter on the host, if it has one.
    pub(crate) fn interpreter(&self) -> Option<&Path> {
        match self {
            Self::Python { interpreter } | Self::Node { interpreter } => Some(interpreter),
            Self::Bootstrap => None,
        }
    }
}

/// Environments may share a zygote or a pool only when this is equal: never across accounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ZygoteKey {
    /// Whose code will run.
    pub account: AccountId,
    /// Which interpreter.
    pub program: Program,
}

/// Everything that makes up one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnvironmentSpec {
    /// Its name.
    pub id: EnvironmentId,
    /// Whose code runs in it.
    pub account: AccountId,
    /// The runtime process.
    pub program: Program,
    /// The unpacked code, mounted at `/var/task`. It and the layers must be readable by any user of the host: the
    /// function's user owns nothing.
    pub task_dir: PathBuf,
    /// The unpacked layers in the function's order; merged at `/opt`, a later one over an earlier one.
    pub layer_dirs: Vec<PathBuf>,
    /// The variables of the runtime and its extensions, complete but for the addresses that only the sandbox
    /// knows: it adds `AWS_LAMBDA_RUNTIME_API` and, unless the customer has set it, `AWS_ENDPOINT_URL`.
    pub variables: Vec<(String, String)>,
    /// The memory limit of the whole environment, in MiB. CPU time follows it: 1,769 MiB are one CPU.
    pub memory_mb: u32,
    /// The size of `/tmp`, in MiB. On Linux what is in it also counts as memory, unlike on AWS.
    pub tmp_mb: u32,
    /// What it may reach.
    pub network: Network,
}

impl EnvironmentSpec {
    /// Which pool can serve it.
    #[must_use]
    pub fn zygote_key(&self) -> ZygoteKey {
        ZygoteKey { account: self.account.clone(), program: self.program.clone() }
    }
}
