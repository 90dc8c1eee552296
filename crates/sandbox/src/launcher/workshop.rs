//! Everything jails are made of.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Gid, Uid, fchown};
use rustix::pipe::{PipeFlags, pipe_with};

use super::events::Number;
use super::init::{self, Birth};
use super::jail::{Duty, Jail};
use super::pool::PoolKey;
use super::protocol::{Facts, Setup};
use super::users::Users;
use super::zygote::{self, Zygote};
use crate::cgroup::{Group, Session};
use crate::channel::Channel;
use crate::fault::{Fault, Step};
use crate::mounts::Tree;
use crate::root::{Root, RootKey};
use crate::seccomp::Filters;
use crate::spec::Network;
use crate::syscalls::{self, Forked};

/// `/tmp` of a jail that is made before it is known what for.
pub(crate) const DEFAULT_TMP_MB: u32 = 512;

/// Makes jails, and takes their parts back.
#[derive(Debug)]
pub(crate) struct Workshop {
    mount_point: PathBuf,
    runtime_files: Vec<(String, String)>,
    roots: HashMap<RootKey, Root>,
    users: Users,
    session: Result<Session, String>,
    filters: Filters,
    /// The launcher's own mounts, to come back to.
    pub(crate) home_mounts: File,
    last_number: Number,
}

impl Workshop {
    pub(crate) fn open(setup: &Setup, users: Users, session: Result<Session, String>) -> Result<Self, Fault> {
        Ok(Self {
            mount_point: setup.mount_point.clone(),
            runtime_files: setup.runtime_files.clone(),
            roots: HashMap::new(),
            users,
            session,
            filters: Filters::compile().step("compile the system call filter")?,
            home_mounts: File::open("/proc/self/ns/mnt").step("open the mount namespace")?,
            last_number: 0,
        })
    }

    /// What this host has.
    pub(crate) fn facts(&self) -> Facts {
        let describe = |session: &Session| {
            let (kind, controllers) = session.describe();
            (kind.to_owned(), controllers.into_iter().map(str::to_owned).collect())
        };
        Facts {
            rootless: self.users.is_rootless(),
            own_users: self.users.are_own(),
            merged_layers: self.try_merging().map_err(|error| error.to_string()),
            groups: self.session.as_ref().map(describe).map_err(Clone::clone),
        }
    }

    fn try_merging(&self) -> io::Result<()> {
        let directories = ["layer-one", "layer-two"].map(|name| self.mount_point.join(name));
        directories.iter().try_for_each(std::fs::create_dir_all)?;
        Tree::merged(&directories).map(drop)
    }

    /// A number that no jail or zygote has had.
    pub(crate) fn next_number(&mut self) -> Number {
        self.last_number += 1;
        self.last_number
    }

    /// The root for `key`, assembled when it is first asked for.
    pub(crate) fn root(&mut self, key: &RootKey) -> Result<Root, Fault> {
        if let Some(root) = self.roots.get(key) {
            return Ok(root.clone());
        }
        let path = self.mount_point.join(self.roots.len().to_string());
        std::fs::create_dir_all(&path).step("make a directory for a root")?;
        let mut files = vec![zygote::FILE, zygote::BLANK_FILE];
        files.extend(zygote::REHEARSAL_FILES);
        files.extend(self.runtime_files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        let root = Root::assemble(path, key, &files, self.users.are_of_a_namespace())?;
        self.roots.insert(key.clone(), root.clone());
        Ok(root)
    }

    /// Starts a zygote.
    ///
    /// # Errors
    /// The step that failed.
    pub(crate) fn start_zygote(&mut self, key: &PoolKey) -> Result<Zygote, Fault> {
        let root = self.root(&key.root)?;
        Zygote::start(key.clone(), &root, &self.home_mounts, &self.filters, self.session.is_err())
    }

    /// Starts a jail. Its init reports when it is there.
    ///
    /// # Errors
    /// The step that failed; nothing is left.
    pub(crate) fn make_jail(&mut self, key: &RootKey, tmp_mb: u32, duty: Duty) -> Result<Jail, Fault> {
        let root = self.root(key)?;
        let number = self.next_number();
        let (control, theirs) = Channel::pair().step("make a control socket")?;
        let user = self
            .users
            .take()
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EUSERS))
            .step("take a user")?;
        let group = self.session.as_ref().ok().map(|session| session.group(&number.to_string()));
        let made = self.fork_jail(&root, key, tmp_mb, theirs, user, group.as_ref());
        let (process, pidfd, output, output_entrance) = match made {
            Ok(made) => made,
            Err(fault) => {
                self.users.give_back(user);
                if let Some(group) = group {
                    let _never_made = group.remove();
                }
                return Err(fault);
            }
        };
        Ok(Jail {
            number,
            root: key.clone(),
            process,
            pidfd,
            control,
            user,
            group,
            listeners: None,
            output: Some(output),
            output_entrance: Some(output_entrance),
            tmp_mb,
            confined: false,
            shelved: false,
            ending: false,
            duty,
            occupant: None,
        })
    }

    fn fork_jail(
        &self,
        root: &Root,
        key: &RootKey,
        tmp_mb: u32,
        control: Channel,
        user: u32,
        group: Option<&Group>,
    ) -> Result<(syscalls::ProcessId, OwnedFd, OwnedFd, OwnedFd), Fault> {
        let (output, entrance) = pipe_with(PipeFlags::CLOEXEC).step("make the output pipe")?;
        // Or the function could not open /dev/stdout.
        fchown(&entrance, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))
            .step("give the pipe to the user")?;
        rustix::io::ioctl_fionbio(&output, true).step("make the output non-blocking")?;
        let (birthplace, entrances) = match group {
            Some(group) => {
                group.create().step("make a control group")?;
                let birthplace = group.birthplace().step("open the control group")?;
                let enters = birthplace.is_none().then(|| group.entrances());
                (birthplace, enters.unwrap_or(Ok(Vec::new())).step("open the control group")?)
            }
            None => (None, Vec::new()),
        };
        let mut namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        if key.network == Network::Endpoint {
            namespaces |= libc::CLONE_NEWNET;
        }
        match root.fork(namespaces, birthplace.as_ref().map(AsFd::as_fd), &self.home_mounts)? {
            Forked::Parent(process, pidfd) => Ok((process, pidfd, output, entrance)),
            Forked::Child => init::run(Birth {
                network: key.network,
                tmp_mb,
                host_user: user,
                host_group: user,
                control,
                output: &entrance,
                entrances: &entrances,
                filters: &self.filters,
                coarse_memory_limit: self.session.is_err(),
            }),
        }
    }

    /// Takes back what a jail had, once its init has been reaped.
    pub(crate) fn take_back(&mut self, user: u32) {
        self.users.give_back(user);
    }
}
