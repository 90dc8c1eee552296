//! One jail, from the outside.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::mount::{MountFlags, mount_remount};
use rustix::thread::{
    LinkNameSpaceType, ThreadNameSpaceType, move_into_link_name_space, move_into_thread_name_spaces,
};

use super::events::Number;
use super::network::Listeners;
use super::pool::PoolKey;
use super::protocol::Variables;
use crate::cgroup::Group;
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::mounts::{SEALED, Tree};
use crate::root::{GROUP, RootKey, USER};
use crate::spec::EnvironmentSpec;
use crate::syscalls::{self, ProcessId};

/// A process tree in namespaces of its own.
#[derive(Debug)]
pub(crate) struct Jail {
    pub(crate) number: Number,
    pub(crate) root: RootKey,
    /// Its init, as the launcher sees it.
    pub(crate) process: ProcessId,
    pub(crate) pidfd: OwnedFd,
    pub(crate) control: Channel,
    /// The user and group of everything in it, as the launcher's user namespace numbers them.
    pub(crate) user: u32,
    pub(crate) group: Option<Group>,
    /// Once its network is there, and until they are the server's.
    pub(crate) listeners: Option<Listeners>,
    /// The read end of its output, until it is the server's.
    pub(crate) output: Option<OwnedFd>,
    /// The write end, for an occupant that does not inherit it.
    pub(crate) output_entrance: Option<OwnedFd>,
    pub(crate) tmp_mb: u32,
    /// Its init takes orders.
    pub(crate) confined: bool,
    /// It is on a shelf of the pools.
    pub(crate) shelved: bool,
    /// It is being ended.
    pub(crate) ending: bool,
    pub(crate) duty: Duty,
    pub(crate) occupant: Option<Occupant>,
}

/// What a jail is for.
#[derive(Debug)]
pub(crate) enum Duty {
    /// To show that one can be made.
    Trial,
    /// To wait, empty.
    Wait,
    /// To wait with an occupant.
    WaitPrepared(PoolKey),
    /// To become an environment, when it is ready for it.
    Become(Box<Start>),
    /// None any more.
    Discarded,
    /// It is this environment.
    Serve { id: u64, pooled: bool, reported: bool },
}

/// A request to start an environment, on its way.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) id: u64,
    pub(crate) spec: EnvironmentSpec,
    /// Something made ahead of need went into it.
    pub(crate) pooled: bool,
    /// This zygote is to fork its runtime process.
    pub(crate) zygote: Option<Number>,
}

/// A process started in a jail ahead of need.
#[derive(Debug)]
pub(crate) struct Occupant {
    pub(crate) control: Channel,
    /// Made by a zygote: its process id inside, once it is ready.
    pub(crate) process: ProcessId,
    pub(crate) ready: bool,
    /// The function that it is bound to once the extensions are running.
    pub(crate) function: Option<Vec<u8>>,
}

impl Jail {
    /// Gives the user namespace that its init has entered its only user.
    pub(crate) fn map_user(&self) -> Result<(), Fault> {
        let write = |file: &str, inside: u32| {
            std::fs::write(format!("/proc/{}/{file}", self.process), format!("{inside} {} 1", self.user))
        };
        write("uid_map", USER).step("map the function's user")?;
        write("gid_map", GROUP).step("map the function's group")
    }

    /// Mounts the code and the layers and gives `/tmp` its size.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn mount_code(
        &mut self,
        spec: &EnvironmentSpec,
        empty: &Path,
        home: impl AsFd,
    ) -> Result<(), Fault> {
        let task = Tree::of(&spec.task_dir, SEALED).step(format_args!("open {}", spec.task_dir.display()))?;
        let layers = match spec.layer_dirs.as_slice() {
            [] => Tree::of(empty, SEALED),
            [one] => Tree::of(one, SEALED),
            several => Tree::merged(several),
        }
        .step("open the layers")?;
        let resize = (self.tmp_mb != spec.tmp_mb).then_some(spec.tmp_mb);
        move_into_thread_name_spaces(self.pidfd.as_fd(), ThreadNameSpaceType::MOUNT)
            .step("enter the jail")?;
        let mounted = task
            .attach(Path::new("/var/task"))
            .step("mount /var/task")
            .and_then(|()| layers.attach(Path::new("/opt")).step("mount /opt"))
            .and_then(|()| resize.map_or(Ok(()), resize_tmp));
        move_into_link_name_space(home.as_fd(), Some(LinkNameSpaceType::Mount)).step("leave the jail")?;
        mounted?;
        self.tmp_mb = spec.tmp_mb;
        Ok(())
    }

    /// The beginning of what it has written, for the operator. It is then no longer in the pipe.
    pub(crate) fn last_output(&self) -> String {
        let mut bytes = [0; 1024];
        let output = self.output.as_ref().map(|output| rustix::io::read(output, &mut bytes));
        let count = output.and_then(Result::ok).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).trim().to_owned()
    }

    /// Ends everything in it. Its init is reaped later.
    pub(crate) fn end(&mut self) {
        self.ending = true;
        syscalls::signal_pidfd(self.pidfd.as_fd(), libc::SIGKILL);
        if let Some(group) = &self.group {
            // What is frozen does not die before it is thawed, and then it does nothing else.
            group.set_frozen(false);
        }
    }
}

fn resize_tmp(tmp_mb: u32) -> Result<(), Fault> {
    let options = format!("size={tmp_mb}m\0");
    let options = std::ffi::CStr::from_bytes_until_nul(options.as_bytes()).unwrap_or_default();
    mount_remount("/tmp", MountFlags::NOSUID | MountFlags::NODEV, options).step("resize /tmp")
}

/// The variables of the runtime: those of the function, and the addresses that only we know. A customer may send
/// the SDKs elsewhere; where the runtime listens is not theirs to change.
pub(crate) fn complete_variables(variables: &Variables, listeners: &Listeners) -> Variables {
    const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
    const ENDPOINT: &str = "AWS_ENDPOINT_URL";
    let mut all: Variables = variables.iter().filter(|(name, _)| name != RUNTIME_API).cloned().collect();
    all.push((RUNTIME_API.to_owned(), listeners.runtime_api_address.clone()));
    if let Some((_, address)) = &listeners.endpoint
        && !all.iter().any(|(name, _)| name == ENDPOINT)
    {
        all.push((ENDPOINT.to_owned(), format!("http://{address}")));
    }
    all
}

/// What extensions are not told (AWS Lambda developer guide, "Extensions API": variables specific to the runtime).
pub(crate) fn extension_variables(variables: &Variables) -> Variables {
    const RUNTIME_ONLY: [&str; 7] = [
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    ];
    let is_told = |name: &str| !name.starts_with('_') && !RUNTIME_ONLY.contains(&name);
    variables.iter().filter(|(name, _)| is_told(name)).cloned().collect()
}
