//! The system calls that neither the standard library nor rustix wraps, each made safe to call.
//!
//! The processes that call them (guard, launcher, the init of a jail) have one thread each; a fork copies them
//! whole, so ordinary code may run in the child.
#![expect(unsafe_code, reason = "raw system calls")]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A process id, as this process sees it.
pub(crate) type ProcessId = libc::pid_t;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Of clone3 only, and so too large for the C library's type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a fork this is.
#[derive(Debug)]
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The caller, with the new process and a descriptor of it.
    Parent(ProcessId, OwnedFd),
}

/// Forks into new namespaces (`CLONE_NEW*`), and into a control group (v2) if one is given. Needs a single-threaded
/// caller.
pub(crate) fn fork_into(namespaces: i32, group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is plain data; zero is "unset" in every field.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from((namespaces | libc::CLONE_PIDFD).cast_unsigned());
    if let Some(group) = group {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(group.as_raw_fd().cast_unsigned());
    }
    args.pidfd = ptr::from_mut(&mut pidfd) as u64;
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    // SAFETY: without CLONE_VM the child has memory of its own, exactly as after fork(); the caller has a single
    // thread, so no lock is held by a thread that the child lacks.
    let pid = check(unsafe {
        libc::syscall(libc::SYS_clone3, ptr::from_mut(&mut args), size_of::<libc::clone_args>())
    })?;
    if pid == 0 {
        return Ok(Forked::Child);
    }
    // SAFETY: the kernel has just made this descriptor for us and nobody else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent(pid_from(pid), pidfd))
}

fn pid_from(value: libc::c_long) -> ProcessId {
    ProcessId::try_from(value).unwrap_or_default()
}

/// Replaces this process. Returns only when that failed.
pub(crate) fn exec(program: &CString, arguments: &[CString], variables: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|item| item.as_ptr()).chain([ptr::null()]).collect()
    };
    let (argv, envp) = (pointers(arguments), pointers(variables));
    // SAFETY: both arrays end with a null pointer, and everything they point at outlives the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

/// Ends this process at once: no destructor, no flush of what a fork copied.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: always allowed.
    unsafe { libc::_exit(status) }
}

/// Closes every descriptor from `first` upwards.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: only called in processes that use none of these descriptors any more; their owners are never dropped.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) }).map(drop)
}

/// Makes `target` the same as `source`, open across exec. `source` must not be `target`.
pub(crate) fn duplicate_onto(source: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    debug_assert_ne!(source.as_raw_fd(), target, "dup2 onto itself keeps the close-on-exec flag");
    // SAFETY: descriptor numbers only; what was open at `target` is replaced on purpose.
    check(libc::c_long::from(unsafe { libc::dup2(source.as_raw_fd(), target) })).map(drop)
}

/// Takes over a descriptor by its number.
///
/// The caller promises that nothing else owns it: it was inherited under this number by agreement.
pub(crate) fn adopt(number: RawFd) -> OwnedFd {
    // SAFETY: see above; the callers are the guard (descriptor 0) and a jail's init (descriptor 3).
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Sets flags (`MOUNT_ATTR_*`) of a mount, and of those below it when `recursive`.
pub(crate) fn set_mount_flags(mount: BorrowedFd<'_>, flags: u64, recursive: bool) -> io::Result<()> {
    // SAFETY: mount_attr is plain data.
    let mut attributes: libc::mount_attr = unsafe { std::mem::zeroed() };
    attributes.attr_set = flags;
    let at = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the empty path and the structure are valid for the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            at,
            ptr::from_ref(&attributes),
            size_of::<libc::mount_attr>(),
        )
    })
    .map(drop)
}

/// Sends `signal` to every process of this pid namespace but the caller.
pub(crate) fn signal_all_others(signal: i32) {
    // SAFETY: kill takes numbers only. An error means there is no such process.
    unsafe { libc::kill(-1, signal) };
}

/// Sends `signal` to one process. An error means that it is gone.
pub(crate) fn signal_process(process: ProcessId, signal: i32) {
    // SAFETY: kill takes numbers only.
    unsafe { libc::kill(process, signal) };
}

/// Sends `signal` to the process of `pidfd`.
pub(crate) fn signal_pidfd(pidfd: BorrowedFd<'_>, signal: i32) {
    // SAFETY: numbers and a null pointer. An error means that it is gone.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Ended {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// Takes one child that has ended off the process table; any when `process` is -1. `None`: none has.
pub(crate) fn reap(process: ProcessId, wait: bool) -> Option<(ProcessId, Ended)> {
    let mut status = 0;
    let options = if wait { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: `status` is valid for the call.
        let pid = unsafe { libc::waitpid(process, &raw mut status, options) };
        if pid < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
            continue;
        }
        if pid <= 0 {
            return None;
        }
        let ended = if libc::WIFSIGNALED(status) {
            Ended::Signal(libc::WTERMSIG(status))
        } else {
            Ended::Status(libc::WEXITSTATUS(status))
        };
        return Some((pid, ended));
    }
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigset_t is plain data that sigemptyset initialises.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// Holds SIGCHLD back and gives a descriptor that becomes readable when a child has ended.
pub(crate) fn watch_children() -> io::Result<OwnedFd> {
    let set = signal_set(&[libc::SIGCHLD]);
    // SAFETY: the set is initialised; the old mask is not asked for.
    check(libc::c_long::from(unsafe {
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut())
    }))?;
    // SAFETY: makes a new descriptor.
    let fd = check(libc::c_long::from(unsafe {
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    }))?;
    // SAFETY: just made, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(pid_from(fd)) })
}

/// Lets the requests to end go past: the server decides when its helpers end, by closing their socket.
pub(crate) fn ignore_requests_to_end() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        // SAFETY: SIG_IGN is a valid disposition for all of them.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Gives a process that is about to be replaced the default reaction to every signal, and none held back.
pub(crate) fn reset_signals() {
    for signal in 1..libc::SIGRTMIN() {
        // SAFETY: resetting is harmless; SIGKILL and SIGSTOP just fail.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let none = signal_set(&[]);
    // SAFETY: the set is initialised.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
}

/// Brings the loopback interface of this network namespace up.
pub(crate) fn raise_loopback() -> io::Result<()> {
    // SAFETY: makes a new descriptor.
    let fd = check(libc::c_long::from(unsafe {
        libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
    }))?;
    // SAFETY: just made, owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(pid_from(fd)) };
    // SAFETY: ifreq is plain data.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, source) in request.ifr_name.iter_mut().zip(b"lo") {
        *target = source.cast_signed();
    }
    request.ifr_ifru.ifru_flags =
        libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or_default();
    // SAFETY: SIOCSIFFLAGS reads an ifreq.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, ptr::from_ref(&request)) };
    check(libc::c_long::from(result)).map(drop)
}

/// Leaves the session keyring that was inherited for an empty one.
pub(crate) fn leave_keyring() {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a null name asks for an anonymous keyring. A kernel without keyrings has nothing to leave.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, ptr::null::<libc::c_char>()) };
}

/// Becomes another user and group. Supplementary groups are left where the namespace allows it.
pub(crate) fn become_user(user: u32, group: u32) -> io::Result<()> {
    // SAFETY: no groups, so no pointer is read. Not allowed in a rootless namespace, where there is nothing to gain.
    unsafe { libc::setgroups(0, ptr::null()) };
    // SAFETY: numbers only.
    check(libc::c_long::from(unsafe { libc::setresgid(group, group, group) }))?;
    // SAFETY: numbers only.
    check(libc::c_long::from(unsafe { libc::setresuid(user, user, user) }))?;
    Ok(())
}

/// Takes every capability out of what this process and all that it executes can ever gain.
pub(crate) fn drop_bounding_set() {
    for capability in 0..64 {
        // SAFETY: numbers only. It fails beyond the last capability of the kernel, which ends the list.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            break;
        }
    }
}

/// Clears the capability sets. After this nothing that needs a capability works.
pub(crate) fn clear_capabilities() -> io::Result<()> {
    rustix::thread::set_capabilities(
        None,
        rustix::thread::CapabilitySets {
            effective: rustix::thread::CapabilitySet::empty(),
            permitted: rustix::thread::CapabilitySet::empty(),
            inheritable: rustix::thread::CapabilitySet::empty(),
        },
    )?;
    Ok(())
}

/// Forks as a program does. Needs a single-threaded caller.
pub(crate) fn fork() -> io::Result<Option<ProcessId>> {
    // SAFETY: the caller has a single thread, so the child's memory is as consistent as the caller's.
    let pid = check(libc::c_long::from(unsafe { libc::fork() }))?;
    Ok((pid != 0).then(|| pid_from(pid)))
}

/// Leaves namespaces for new ones. Needs a single-threaded caller.
pub(crate) fn unshare(namespaces: rustix::thread::UnshareFlags) -> io::Result<()> {
    // SAFETY: CLONE_FILES and CLONE_FS are what could hurt other threads; there are none.
    Ok(unsafe { rustix::thread::unshare_unsafe(namespaces) }?)
}

/// A descriptor by its number, for one call.
pub(crate) fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: used for the descriptors 0 to 3 only, which these processes never close.
    unsafe { BorrowedFd::borrow_raw(number) }
}
