//! Mounts as values: made detached, given their flags, and only then attached somewhere.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use crate::syscalls;

/// Read-only, and no way to gain privileges through what is in it.
pub(crate) const SEALED: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
/// Device nodes are of use only where devices are allowed; the node itself decides what can be done.
pub(crate) const DEVICE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;

/// A mount that is attached nowhere yet.
#[derive(Debug)]
pub(crate) struct Tree(OwnedFd);

impl Tree {
    /// A file or directory as it is, with what is mounted below it.
    pub(crate) fn of(path: &Path, flags: u64) -> io::Result<Self> {
        let tree = open_tree(
            CWD,
            path,
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE,
        )?;
        syscalls::set_mount_flags(tree.as_fd(), flags, true)?;
        Ok(Self(tree))
    }

    /// Several directories in one, sealed; what is in a later one covers what is in an earlier one.
    pub(crate) fn merged(directories: &[impl AsRef<Path>]) -> io::Result<Self> {
        let opened: Vec<OwnedFd> = directories
            .iter()
            .map(|path| {
                let flags =
                    rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
                rustix::fs::open(path.as_ref(), flags, rustix::fs::Mode::empty())
            })
            .collect::<Result<_, _>>()?;
        // By descriptor: an option is at most 256 bytes long and gives some characters a meaning. Overlay's first
        // directory is its topmost.
        let mut lower = String::new();
        for directory in opened.iter().rev() {
            let separator = if lower.is_empty() { "" } else { ":" };
            write!(lower, "{separator}/proc/self/fd/{}", directory.as_raw_fd()).map_err(io::Error::other)?;
        }
        let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&context, "lowerdir", lower)?;
        fsconfig_create(&context)?;
        let flags = MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV;
        Ok(Self(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, flags)?))
    }

    /// Attaches it at `target`, in the mount namespace that the caller is in.
    pub(crate) fn attach(self, target: &Path) -> io::Result<()> {
        move_mount(self.0, "", CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        Ok(())
    }
}
