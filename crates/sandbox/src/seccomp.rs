//! The system calls that a function may not make.
//!
//! A list of what is denied, not of what is allowed: AWS lets a function make any call that an unprivileged
//! program makes. Denied is what administers a host, what reaches into other processes, and what has been a
//! source of holes in the kernel without being of use to a function.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// Refused as a program without privileges is refused.
const DENIED: &[libc::c_long] = &[
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    SYS_STATMOUNT,
    SYS_LISTMOUNT,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Parts of the kernel with a history.
    libc::SYS_bpf,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    SYS_LSM_GET_SELF_ATTR,
    SYS_LSM_SET_SELF_ATTR,
    SYS_LSM_LIST_MODULES,
    // The host.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_set_mempolicy_home_node,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Refused as by a kernel that does not have them, so that programs fall back: the C library from `clone3`, whose
/// flags a filter cannot see, to `clone`; Node.js from io_uring to threads.
const ABSENT: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_nfsservctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_sysfs,
    #[cfg(target_arch = "x86_64")]
    libc::SYS__sysctl,
];

// Numbers that are the same on every architecture and newer than the C library's list of them.
const SYS_STATMOUNT: libc::c_long = 457;
const SYS_LISTMOUNT: libc::c_long = 458;
const SYS_LSM_GET_SELF_ATTR: libc::c_long = 459;
const SYS_LSM_SET_SELF_ATTR: libc::c_long = 460;
const SYS_LSM_LIST_MODULES: libc::c_long = 461;
const SYS_OPEN_TREE_ATTR: libc::c_long = 467;

/// The clone and unshare flags that make namespaces (`CLONE_NEWTIME` is a signal number to clone).
const NAMESPACE_FLAGS: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
const CLONE_NEWTIME: i32 = 0x80;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters, compiled once. A process installs all of them; the kernel obeys the strictest.
#[derive(Debug, Clone)]
pub(crate) struct Filters(Vec<BpfProgram>);

impl Filters {
    /// Compiles them for this architecture.
    ///
    /// # Errors
    /// When the architecture is not supported.
    pub(crate) fn compile() -> io::Result<Self> {
        let mut denied: Rules = DENIED.iter().map(|&call| (call, Vec::new())).collect();
        denied.extend(denied_arguments().map_err(io::Error::other)?);
        let absent: Rules = ABSENT.iter().map(|&call| (call, Vec::new())).collect();
        let families = denied_families().map_err(io::Error::other)?;
        let mut programs = vec![
            compile(denied, libc::EPERM)?,
            compile(absent, libc::ENOSYS)?,
            compile(families, libc::EAFNOSUPPORT)?,
        ];
        if cfg!(target_arch = "x86_64") {
            programs.push(refuse_x32());
        }
        Ok(Self(programs))
    }

    /// Puts them on the calling process. There is no way back.
    pub(crate) fn install(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|program| seccompiler::apply_filter(program)).map_err(io::Error::other)
    }

    /// Each as the kernel takes it: an array of `struct sock_filter`.
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        let encode = |line: &sock_filter| {
            let mut bytes = [0; 8];
            bytes[..2].copy_from_slice(&line.code.to_ne_bytes());
            bytes[2] = line.jt;
            bytes[3] = line.jf;
            bytes[4..].copy_from_slice(&line.k.to_ne_bytes());
            bytes
        };
        self.0.iter().map(|program| program.iter().flat_map(encode).collect()).collect()
    }
}

fn compile(rules: Rules, errno: i32) -> io::Result<BpfProgram> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let refusal = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture);
    filter.and_then(BpfProgram::try_from).map_err(io::Error::other)
}

fn denied_arguments() -> Result<Rules, seccompiler::BackendError> {
    let any_flag = |flags: &[i32]| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        flags
            .iter()
            .map(|&flag| {
                let flag = u64::from(flag.cast_unsigned());
                rule(&[(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)])
            })
            .collect()
    };
    let unshare: Vec<i32> = NAMESPACE_FLAGS.iter().copied().chain([CLONE_NEWTIME]).collect();
    let dword = SeccompCmpArgLen::Dword;
    let input_injection = |request: u64| rule(&[(1, dword.clone(), SeccompCmpOp::Eq, request)]);
    Ok(BTreeMap::from([
        (libc::SYS_clone, any_flag(NAMESPACE_FLAGS)?),
        (libc::SYS_unshare, any_flag(&unshare)?),
        // Only the default personality, and asking for the current one.
        (
            libc::SYS_personality,
            vec![rule(&[
                (0, dword.clone(), SeccompCmpOp::Ne, 0),
                (0, dword.clone(), SeccompCmpOp::Ne, 0xffff_ffff),
            ])?],
        ),
        (libc::SYS_ioctl, vec![input_injection(libc::TIOCSTI)?, input_injection(libc::TIOCLINUX)?]),
    ]))
}

/// Sockets are for unix, IPv4 and IPv6, and netlink to read routes (the C library lists interfaces with it).
fn denied_families() -> Result<Rules, seccompiler::BackendError> {
    let family = |op, value: i32| (0, SeccompCmpArgLen::Dword, op, u64::from(value.cast_unsigned()));
    let socket = vec![
        rule(&[
            family(SeccompCmpOp::Ne, libc::AF_UNIX),
            family(SeccompCmpOp::Ne, libc::AF_INET),
            family(SeccompCmpOp::Ne, libc::AF_INET6),
            family(SeccompCmpOp::Ne, libc::AF_NETLINK),
        ])?,
        rule(&[
            family(SeccompCmpOp::Eq, libc::AF_NETLINK),
            (2, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, u64::from(libc::NETLINK_ROUTE.cast_unsigned())),
        ])?,
    ];
    let socketpair = vec![rule(&[family(SeccompCmpOp::Ne, libc::AF_UNIX)])?];
    Ok(BTreeMap::from([(libc::SYS_socket, socket), (libc::SYS_socketpair, socketpair)]))
}

fn rule(
    conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)],
) -> Result<SeccompRule, seccompiler::BackendError> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(index, length, op, value)| SeccompCondition::new(*index, length.clone(), op.clone(), *value))
        .collect();
    SeccompRule::new(conditions?)
}

/// The x32 calls are the 64-bit ones under other numbers, which the filters above do not name.
fn refuse_x32() -> BpfProgram {
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32_BIT: u32 = 0x4000_0000;
    let line = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        line(LOAD_NUMBER, 0, 0, 0),
        line(JUMP_IF_AT_LEAST, 0, 1, X32_BIT),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned()),
        line(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_are_whole_instructions() {
        let filters = Filters::compile().unwrap();
        for (program, bytes) in filters.0.iter().zip(filters.bytes()) {
            assert_eq!(bytes.len(), program.len() * 8);
            assert!(program.len() > 3);
        }
    }

    #[test]
    fn no_call_is_both_denied_and_absent() {
        assert!(DENIED.iter().all(|call| !ABSENT.contains(call)));
    }
}
