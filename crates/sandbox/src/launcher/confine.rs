//! Shutting a process in: its root, its user, and the loss of every right.

use std::fs;
use std::os::fd::{AsFd, IntoRawFd};
use std::path::Path;

use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::UnshareFlags;

use super::init::{Birth, CONTROL};
use super::network::Listeners;
use super::protocol::{Order, Word};
use crate::cgroup;
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::mounts::{DEVICE, Tree};
use crate::root::{GROUP, USER};
use crate::seccomp::Filters;
use crate::spec::Network;
use crate::syscalls;

/// Open files of one process (AWS Lambda developer guide, "Lambda quotas").
const MAX_OPEN_FILES: u64 = 1_024;
/// Without control groups this is all that bounds memory: so much private writable memory for one process. Far above
/// what AWS allows, because runtimes reserve much more than they use.
const COARSE_MEMORY_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// What of `/proc` tells about the host rather than about the jail.
const HIDDEN: &[&str] =
    &["kcore", "keys", "key-users", "kallsyms", "kmsg", "timer_list", "sched_debug", "latency_stats"];

/// Joins the control group, completes the jail's root, and enters a user namespace without rights outside.
///
/// # Errors
/// The step that failed.
pub(crate) fn enter(birth: &Birth<'_>) -> Result<Channel, Fault> {
    for entrance in birth.entrances {
        rustix::io::write(entrance, b"0").step("join the control group")?;
    }
    // After that, so that the group it was started in is not what it sees.
    unshare(UnshareFlags::NEWCGROUP).step("unshare the cgroup namespace")?;
    rustix::process::setsid().step("start a session")?;
    syscalls::leave_keyring();
    place_descriptors(birth).step("place the descriptors")?;
    let control = Channel::from(syscalls::adopt(CONTROL));
    rustix::system::sethostname(b"lambent").step("set the host name")?;
    let listeners = match birth.network {
        Network::Host => None,
        Network::Endpoint => {
            syscalls::raise_loopback().step("bring the loopback interface up")?;
            Some(Listeners::open_inside().step("listen in the jail")?)
        }
    };
    mount_own(birth)?;
    unshare(UnshareFlags::NEWUSER).step("unshare the user namespace")?;
    let descriptors: Vec<_> = listeners.iter().flatten().map(AsFd::as_fd).collect();
    control.send(&Word::Unshared, &descriptors).step("report to the launcher")?;
    let mapped = control.receive::<Order>().step("hear from the launcher")?;
    if !matches!(mapped, Some((Order::Mapped, _))) {
        return Err(std::io::Error::other("the launcher did not map the user")).step("map the user");
    }
    Ok(control)
}

fn unshare(namespaces: UnshareFlags) -> std::io::Result<()> {
    syscalls::unshare(namespaces)
}

/// Output on 1 and 2, nothing on 0, the control socket on 3, and everything that was the launcher's closed.
fn place_descriptors(birth: &Birth<'_>) -> std::io::Result<()> {
    let null = fs::File::open("/dev/null")?;
    syscalls::duplicate_onto(null.as_fd(), 0)?;
    syscalls::duplicate_onto(birth.output.as_fd(), 1)?;
    syscalls::duplicate_onto(birth.output.as_fd(), 2)?;
    syscalls::duplicate_onto(birth.control.as_fd(), CONTROL)?;
    // Programs must not inherit it; those that need one get their own.
    rustix::io::fcntl_setfd(syscalls::borrow(CONTROL), rustix::io::FdFlags::CLOEXEC)?;
    syscalls::close_from(CONTROL + 1)?;
    // Closed just now.
    let _closed = null.into_raw_fd();
    Ok(())
}

/// What a jail does not share with the others: its `/tmp` and its `/proc`.
fn mount_own(birth: &Birth<'_>) -> Result<(), Fault> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options =
        format!("size={}m,mode=0700,uid={},gid={}\0", birth.tmp_mb, birth.host_user, birth.host_group);
    let options = std::ffi::CStr::from_bytes_until_nul(options.as_bytes()).unwrap_or_default();
    mount("tmp", "/tmp", "tmpfs", flags, Some(options)).step("mount /tmp")?;
    // Read-only: nothing in it is a function's to set.
    let proc_flags = flags | MountFlags::NOEXEC | MountFlags::RDONLY;
    let proc = Path::new("/proc");
    mount("proc", proc, "proc", proc_flags, None).step("mount /proc")?;
    for name in HIDDEN {
        let target = proc.join(name);
        if target.exists() {
            let null = Path::new("/dev/null");
            Tree::of(null, DEVICE | libc::MOUNT_ATTR_RDONLY)
                .and_then(|tree| tree.attach(&target))
                .step(format_args!("hide /proc/{name}"))?;
        }
    }
    Ok(())
}

/// Becomes the function's user and makes sure that nothing can be gained from here on.
///
/// # Errors
/// The step that failed.
pub(crate) fn give_up_rights(filters: &Filters, coarse_memory_limit: bool) -> Result<(), Fault> {
    syscalls::drop_bounding_set();
    for (resource, name, value) in limits(coarse_memory_limit) {
        set_limit(resource, value).step(format_args!("set {name}"))?;
    }
    syscalls::become_user(USER, GROUP).step("become the function's user")?;
    // Becoming a user does not take them all: the maker of a user namespace has them in it whatever its user id.
    syscalls::clear_capabilities().step("give up capabilities")?;
    rustix::thread::set_no_new_privs(true).step("set no_new_privs")?;
    // What runs in the jail has the same user: it must not get at this process through /proc.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .step("become non-dumpable")?;
    // The kernel forgets it when the user changes, so it comes after.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .step("tie to the launcher's life")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    filters.install().step("install the system call filter")
}

/// The limits of every process in a jail, with their names in C.
pub(crate) fn limits(coarse_memory_limit: bool) -> impl Iterator<Item = (Resource, &'static str, u64)> {
    let always = [
        (Resource::Nofile, "RLIMIT_NOFILE", MAX_OPEN_FILES),
        (Resource::Core, "RLIMIT_CORE", 0),
        (Resource::Nproc, "RLIMIT_NPROC", cgroup::MAX_PROCESSES),
    ];
    let coarse = coarse_memory_limit.then_some((Resource::Data, "RLIMIT_DATA", COARSE_MEMORY_BYTES));
    always.into_iter().chain(coarse)
}

fn set_limit(resource: Resource, value: u64) -> std::io::Result<()> {
    // A lower hard limit that is in force already stays.
    let value = rustix::process::getrlimit(resource).maximum.map_or(value, |maximum| maximum.min(value));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    Ok(())
}
