//! What the server and the launcher say to each other, and what the launcher and the init of a jail do.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cgroup::Group;
use crate::fault::Fault;
use crate::spec::EnvironmentSpec;
use crate::syscalls::{Ended, ProcessId};

/// Names and values.
pub(crate) type Variables = Vec<(String, String)>;

/// The first message: what the launcher needs to know for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// A directory of the server's that the launcher may mount on, unseen by anyone else.
    pub(crate) mount_point: PathBuf,
    /// What is to be in `/var/runtime`: names and texts.
    pub(crate) runtime_files: Vec<(String, String)>,
    /// How much to keep ready.
    pub(crate) pools: PoolSizes,
    /// The server, in the pid namespace that it shares with the guard.
    pub(crate) server: ProcessId,
}

/// How much is kept ready ahead of need. All zero: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSizes {
    /// Empty jails for each interpreter.
    pub jails: usize,
    /// Jails with an initialised interpreter in them, for each account and interpreter.
    pub prepared: usize,
    /// The most account-and-interpreter pairs that have such jails; the one unused for longest gives way.
    pub keys: usize,
}

impl PoolSizes {
    /// Nothing is made ahead of need.
    pub const NONE: Self = Self { jails: 0, prepared: 0, keys: 0 };
}

impl Default for PoolSizes {
    fn default() -> Self {
        Self { jails: 4, prepared: 4, keys: 16 }
    }
}

/// From the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Start an environment and call it `id` from now on.
    Start { id: u64, spec: Box<EnvironmentSpec> },
    /// Fill the pools for environments like this.
    Expect { spec: Box<EnvironmentSpec> },
    /// End it.
    Kill { id: u64 },
    /// Send a signal to every process in it.
    Signal { id: u64, signal: i32 },
    /// Say when the pools are full.
    AwaitFull { id: u64 },
}

/// To the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The launcher is up. It has built a jail to see that it can.
    Ready(Facts),
    /// This host offers no sandbox.
    Unusable { reason: String },
    /// With descriptors: the Runtime API's listener, the output, the first process of the jail, and the endpoint's
    /// listener if there is one.
    Started { id: u64, extensions: Vec<String>, pooled: bool, group: Option<Group> },
    /// It did not start, and is gone.
    Refused { id: u64, refusal: Refusal },
    /// Its runtime process has ended.
    Exited { id: u64, ended: Ended, out_of_memory: bool },
    /// Nothing is left of it.
    Gone { id: u64, memory_peak_bytes: u64 },
    /// The pools are full.
    Full { id: u64 },
    /// Something that the operator should know.
    Warning { text: String },
}

/// Why an environment did not start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The runtime's program is missing or not executable.
    InvalidEntrypoint(String),
    /// The host ran out of something.
    NoRoom(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::InvalidEntrypoint(text) | Self::NoRoom(text) | Self::Failed(text)) = self;
        f.write_str(text)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        if fault.is_want_of_room() {
            Self::NoRoom(fault.to_string())
        } else {
            Self::Failed(fault.to_string())
        }
    }
}

/// What the launcher found on this host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Started without root's rights.
    pub(crate) rootless: bool,
    /// Each environment has a user of the host to itself.
    pub(crate) own_users: bool,
    /// The kind of control groups and the controllers in use, or why there are none.
    pub(crate) groups: Result<(String, Vec<String>), String>,
    /// Whether several layers can be merged, or why not.
    pub(crate) merged_layers: Result<(), String>,
}

/// To the init of a jail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// The user namespace has its users now.
    Mapped,
    /// Start a process ahead of need. A descriptor comes with it: its control socket.
    Prepare(Command),
    /// Start the extensions, with these variables if they are wanted, and then the runtime.
    Begin { extensions: Option<Variables>, runtime: Runtime },
    /// Send a signal to every process in the jail.
    Signal(i32),
}

/// The runtime process of a jail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Runtime {
    /// Execute this.
    Exec(Command),
    /// Execute the `bootstrap` of the function or of a layer.
    Bootstrap(Variables),
    /// It is there already, made by a zygote: its process id inside.
    Adopted(ProcessId),
    /// It is there already: the one started by [`Order::Prepare`].
    Prepared,
}

/// A program to execute.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Command {
    /// The program's path first.
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Variables,
    /// When it cannot be executed, end with status 127 as a shell would, instead of refusing to start.
    pub(crate) status_when_missing: bool,
}

/// From the init of a jail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// It has its root and is in its user namespace, which has no users yet. With the listeners of its network, if
    /// it has one of its own.
    Unshared,
    /// It has given up all rights and takes orders.
    Confined,
    /// Extensions and runtime are running. The names of the extensions.
    Begun { extensions: Vec<String> },
    /// The runtime's program cannot be executed.
    NotExecutable { text: String },
    /// The runtime process has ended.
    Ended(Ended),
    /// The jail could not be made.
    Failed { text: String },
}
