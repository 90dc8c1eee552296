//! The file system that a function sees.
//!
//! Assembled once per interpreter: a read-only tmpfs with the host's programs and libraries bound into it, and
//! nothing else of the host, in a mount namespace that has nothing but it. A jail gets a copy of that namespace, so
//! that a start costs no more than its own `/tmp` and `/proc`; letting go of the host's mounts takes milliseconds.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::{chdir, pivot_root};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::fault::{Fault, Step};
use crate::installation::{Installation, SYSTEM, VAR_LANG};
use crate::mounts::{DEVICE, SEALED, Tree};
use crate::spec::{Network, Program};
use crate::syscalls::{self, Forked};

/// What programs read in `/etc` that differs from host to host and is nobody's secret. Java keeps its settings
/// there on Debian.
const SHARED_SETTINGS: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "gai.conf",
    "host.conf",
    "java-8-openjdk",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "java-25-openjdk",
    "ld.so.cache",
    "mime.types",
    "pki/ca-trust/extracted",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "protocols",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
];

/// The user and group that a function runs as on AWS, by number and name.
pub(crate) const USER: u32 = 993;
/// See [`USER`].
pub(crate) const GROUP: u32 = 990;

const OWN_SETTINGS: &[(&str, &str)] = &[
    (
        "passwd",
        "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n",
    ),
    ("group", "root:x:0:\nsbx_user1051:x:990:\n"),
    ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("hostname", "lambent\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// Directories that must be there to be mounted on. The `lib` directories below are looked for by the dynamic
/// loader of a process that is started ahead of need, and it never looks again for one that was missing.
const DIRECTORIES: &[&str] = &[
    "tmp",
    "proc",
    "dev",
    "etc",
    "var/task/lib",
    "var/runtime",
    "opt/lib",
    "var/empty",
    "home/sbx_user1051",
];

/// A root that is ready to be copied.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// Where it is, in the launcher's mount namespace.
    pub(crate) path: PathBuf,
    /// The mount namespace that has nothing but it.
    namespace: Arc<File>,
    /// The interpreter's path inside.
    pub(crate) interpreter: Option<PathBuf>,
}

/// What makes one root differ from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RootKey {
    /// The interpreter that must be in it.
    pub(crate) program: Program,
    /// With the host's network comes its name resolution.
    pub(crate) network: Network,
}

impl Root {
    /// Assembles a root at `path`, which must be an empty directory.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn assemble(
        path: PathBuf,
        key: &RootKey,
        runtime_files: &[(&str, &str)],
        needs_visible_proc: bool,
    ) -> Result<Self, Fault> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("lambent-root", &path, "tmpfs", flags, Some(c"mode=0755,size=8m"))
            .step("mount the root's tmpfs")?;
        for directory in DIRECTORIES {
            make_directory(&path, Path::new(directory))?;
        }
        for name in SYSTEM {
            bind_or_link(&path, name)?;
        }
        let installation = key.program.interpreter().map(Installation::of);
        if let Some(installation) = &installation {
            for (source, target) in &installation.binds {
                bind_at(&path, source, target)?;
            }
            link_var_lang(&path, installation)?;
        }
        fill_settings(&path, key.network)?;
        fill_devices(&path)?;
        for (name, text) in runtime_files {
            write_file(&path, &Path::new("var/runtime").join(name), text)?;
        }
        let sealed = MountFlags::BIND | flags | MountFlags::RDONLY;
        mount_remount(&path, sealed, c"").step("seal the root")?;
        let namespace = Arc::new(isolate(&path, needs_visible_proc)?);
        Ok(Self { path, namespace, interpreter: installation.map(|installation| installation.program) })
    }

    /// Forks with this root and nothing else mounted, and into a control group (v2) if one is given. `home` is the launcher's own mount namespace.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn fork(
        &self,
        namespaces: i32,
        group: Option<BorrowedFd<'_>>,
        home: &File,
    ) -> Result<Forked, Fault> {
        let mounts = Some(LinkNameSpaceType::Mount);
        move_into_link_name_space(self.namespace.as_fd(), mounts).step("enter the root's namespace")?;
        let forked = syscalls::fork_into(namespaces, group);
        if !matches!(forked, Ok(Forked::Child)) {
            move_into_link_name_space(home.as_fd(), mounts).step("leave the root's namespace")?;
        }
        forked.step("fork")
    }
}

/// Makes a mount namespace in which `root` is all there is.
fn isolate(root: &Path, needs_visible_proc: bool) -> Result<File, Fault> {
    let (mut ready, mut say) = std::io::pipe().step("make a pipe")?;
    let (process, pidfd) = match syscalls::fork_into(libc::CLONE_NEWNS, None).step("fork for a root")? {
        Forked::Parent(process, pidfd) => (process, pidfd),
        Forked::Child => {
            let text = match become_root(root, needs_visible_proc) {
                Ok(()) => "ready".to_owned(),
                Err(fault) => fault.to_string(),
            };
            // The parent goes on when it is said, and then ends this process.
            let said = say.write_all(text.as_bytes());
            drop(say);
            while said.is_ok() {
                rustix::event::poll(&mut [], None).unwrap_or_default();
            }
            syscalls::exit(1)
        }
    };
    drop(say);
    let mut said = String::new();
    ready.read_to_string(&mut said).step("hear from a root's process")?;
    let namespace = File::open(format!("/proc/{process}/ns/mnt")).step("open a root's namespace");
    syscalls::signal_pidfd(pidfd.as_fd(), libc::SIGKILL);
    syscalls::reap(process, true);
    if said == "ready" { namespace } else { Err(Fault::new("isolate a root", io::Error::other(said))) }
}

fn become_root(root: &Path, needs_visible_proc: bool) -> Result<(), Fault> {
    if needs_visible_proc {
        // Outside the host's own user namespace the kernel lets nobody mount /proc where none is to be seen.
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
        mount("proc", root.join("proc"), "proc", flags, None).step("mount /proc in the root")?;
    }
    chdir(root).step("enter the root")?;
    // Onto itself: the old root is then mounted over the new one, and unmounting it uncovers the new one.
    pivot_root(".", ".").step("pivot_root")?;
    unmount(".", UnmountFlags::DETACH).step("unmount the host's root")?;
    chdir("/").step("enter the new root")
}

fn make_directory(root: &Path, path: &Path) -> Result<(), Fault> {
    let mut made = root.to_path_buf();
    for part in path.components() {
        made.push(part);
        match fs::create_dir(&made) {
            Ok(()) => {
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&made, mode).step(format_args!("set the mode of {}", path.display()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).step(format_args!("make {} in the root", path.display())),
        }
    }
    Ok(())
}

fn write_file(root: &Path, path: &Path, text: &str) -> Result<(), Fault> {
    if let Some(parent) = path.parent() {
        make_directory(root, parent)?;
    }
    let target = root.join(path);
    fs::write(&target, text)
        .and_then(|()| fs::set_permissions(&target, fs::Permissions::from_mode(0o644)))
        .step(format_args!("write {} in the root", path.display()))
}

/// Shows a file or directory of the host at its own path.
fn bind(root: &Path, source: &Path) -> Result<(), Fault> {
    bind_at(root, source, source)
}

fn bind_at(root: &Path, source: &Path, target: &Path) -> Result<(), Fault> {
    let relative = target.strip_prefix("/").unwrap_or(target);
    let target = root.join(relative);
    if source.is_dir() {
        make_directory(root, relative)?;
    } else {
        write_file(root, relative, "")?;
    }
    Tree::of(source, SEALED)
        .and_then(|tree| tree.attach(&target))
        .step(format_args!("bind {} into the root", source.display()))
}

/// `/bin` and its like are links into `/usr` on most hosts.
fn bind_or_link(root: &Path, name: &str) -> Result<(), Fault> {
    let source = Path::new(name);
    match fs::read_link(source) {
        Ok(target) => symlink(target, root.join(name.trim_start_matches('/')))
            .step(format_args!("link {name} in the root")),
        Err(_) if source.is_dir() => bind(root, source),
        Err(_) => Ok(()),
    }
}

/// AWS's runtimes are at `/var/lang`; so is this one, unless it already is.
fn link_var_lang(root: &Path, installation: &Installation) -> Result<(), Fault> {
    if installation.prefix == Path::new(VAR_LANG) {
        return Ok(());
    }
    symlink(&installation.prefix, root.join("var/lang")).step("link /var/lang in the root")
}

fn fill_settings(root: &Path, network: Network) -> Result<(), Fault> {
    let etc = Path::new("etc");
    for (name, text) in OWN_SETTINGS {
        write_file(root, &etc.join(name), text)?;
    }
    for name in SHARED_SETTINGS {
        let source = Path::new("/etc").join(name);
        if source.exists() {
            bind(root, &source)?;
        }
    }
    if let Ok(zone) = fs::canonicalize("/etc/localtime") {
        symlink(zone, root.join("etc/localtime")).step("link /etc/localtime in the root")?;
    }
    if network == Network::Host {
        // Its text at this moment: the file is often a link into /run, or replaced rather than written.
        let resolvers = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        write_file(root, &etc.join("resolv.conf"), &resolvers)?;
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        write_file(root, &etc.join("hosts"), &hosts)?;
    }
    Ok(())
}

fn fill_devices(root: &Path) -> Result<(), Fault> {
    for name in DEVICES {
        let relative = Path::new("dev").join(name);
        write_file(root, &relative, "")?;
        Tree::of(&Path::new("/dev").join(name), DEVICE)
            .and_then(|tree| tree.attach(&root.join(&relative)))
            .step(format_args!("bind /dev/{name} into the root"))?;
    }
    for (name, target) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        symlink(Path::new("/proc/self").join(target), root.join("dev").join(name))
            .step(format_args!("link /dev/{name} in the root"))?;
    }
    Ok(())
}
