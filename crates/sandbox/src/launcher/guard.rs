//! The process between server and launcher: it outlives the launcher to clear up after it.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::UnshareFlags;

use super::protocol::{Report, Setup};
use super::supervisor::Supervisor;
use super::users::Users;
use crate::cgroup::Session;
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::syscalls::{self, Forked, ProcessId};

/// The first argument of a process that is to be the guard.
pub const ARGUMENT: &str = "sandbox-launcher";

/// The second argument of a guard that has root's rights only in a user namespace of its own.
const ROOTLESS: &str = "rootless";

/// Makes this process the guard if it was started as one, and then never returns.
///
/// Every program that uses the sandbox calls it first thing in `main`, before there is a second thread.
pub fn main_if_requested() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == ARGUMENT) {
        let rootless = arguments.next().is_some_and(|argument| argument == ROOTLESS);
        syscalls::exit(i32::from(guard(rootless).is_err()));
    }
}

fn guard(rootless: bool) -> io::Result<()> {
    if !rootless {
        syscalls::ignore_requests_to_end();
        // Not among the processes that a terminal's Ctrl-C reaches.
        rustix::process::setsid()?;
        if !rustix::process::geteuid().is_root() {
            let fault = become_rootless_guard();
            return Channel::from(syscalls::adopt(0))
                .send(&Report::Unusable { reason: fault.to_string() }, &[]);
        }
    }
    // The server gave us its socket as standard input. Descriptors up to 3 have fixed meanings in our children, so
    // the socket moves up and nothing else may ever be given those numbers.
    let socket = rustix::io::fcntl_dupfd_cloexec(syscalls::borrow(0), 16)?;
    let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    let null = rustix::io::fcntl_dupfd_cloexec(&null, 16)?;
    for number in [0, 1, super::init::CONTROL] {
        syscalls::duplicate_onto(null.as_fd(), number)?;
    }
    let server = Channel::from(socket);
    let Some((setup, _)) = server.receive::<Setup>()? else { return Ok(()) };
    if let Err(fault) = guard_launcher(&server, &setup, rootless) {
        server.send(&Report::Unusable { reason: fault.to_string() }, &[])?;
    }
    Ok(())
}

fn guard_launcher(server: &Channel, setup: &Setup, rootless: bool) -> Result<(), Fault> {
    let users = Users::of_this_process(rootless).step("read the users of this process")?;
    let own = ProcessId::try_from(std::process::id()).unwrap_or_default();
    let session = Session::open(&[own, setup.server]);
    // Held by the launcher alone, so that its closing says that the launcher has ended. The process id would say so
    // only when everything in the pid namespace is gone, and what is frozen cannot go before it is thawed below.
    let (life, held) = io::pipe().step("make a pipe")?;
    let namespaces = libc::CLONE_NEWPID | libc::CLONE_NEWNS;
    let (process, _pidfd) = match syscalls::fork_into(namespaces, None).step("fork the launcher")? {
        Forked::Child => {
            drop(life);
            let ended = launch(server, setup, users, session);
            if let Err(fault) = &ended {
                let _gone = server.send(&Report::Unusable { reason: fault.to_string() }, &[]);
            }
            drop(held);
            syscalls::exit(i32::from(ended.is_err()))
        }
        Forked::Parent(process, pidfd) => (process, pidfd),
    };
    drop(held);
    // Or the server would never see its end close.
    syscalls::duplicate_onto(syscalls::borrow(0), std::os::fd::AsRawFd::as_raw_fd(server))
        .step("let the server go")?;
    let _ended = fs::File::from(OwnedFd::from(life)).read_to_end(&mut Vec::new());
    if let Ok(session) = &session {
        session.close();
    }
    syscalls::reap(process, true);
    if let Ok(session) = &session {
        // What was still ending the first time.
        session.close();
    }
    Ok(())
}

/// Without root's rights we have them in a user namespace of our own, over what is ours. Returns only when that
/// failed.
fn become_rootless_guard() -> Fault {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let entered = syscalls::unshare(UnshareFlags::NEWUSER)
        .step("make a user namespace")
        .and_then(|()| fs::write("/proc/self/setgroups", "deny").step("deny setgroups"))
        .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {user} 1")).step("map the user"))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {group} 1")).step("map the group"));
    match entered {
        // Once more, because a process whose memory dates from before has no rights over its own non-dumpable forks.
        Ok(()) => Fault::new(
            "execute the guard in its user namespace",
            Command::new("/proc/self/exe").args([ARGUMENT, ROOTLESS]).exec(),
        ),
        Err(fault) => fault,
    }
}

/// The launcher, in its own pid and mount namespaces.
fn launch(
    server: &Channel,
    setup: &Setup,
    users: Users,
    session: Result<Session, String>,
) -> Result<(), Fault> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .step("tie the launcher to the guard")?;
    // What the host mounts later is seen here; what is mounted here is not seen by the host.
    let downstream = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", downstream).step("separate from the host's mounts")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).step("mount /proc")?;
    mount("lambent-roots", &setup.mount_point, "tmpfs", flags, Some(c"mode=0700,size=1m"))
        .step("mount a place for roots")?;
    mount_change(&setup.mount_point, MountPropagationFlags::PRIVATE).step("keep the roots private")?;
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: most, maximum: most },
    )
    .step("raise the limit on open files")?;
    rustix::process::chdir("/").step("leave the working directory")?;
    Supervisor::new(server, setup, users, session)?.serve().step("serve")
}
