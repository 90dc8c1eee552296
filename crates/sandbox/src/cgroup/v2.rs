//! The unified hierarchy.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mounted::Hierarchies;
use super::{
    CPU_PERIOD_US, Limits, MAX_PROCESSES, ResourceGroup, SessionName, clear_dead_sessions, read_number,
    remove_directory, remove_directory_soon, subdirectories, write_control,
};
use crate::syscalls::ProcessId;

/// Those we need; freezing and killing are part of every group.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// Where a group's processes go when it is to have groups below it: the kernel wants them in leaves only.
const LEAF: &str = "lambent-server";

/// The directory of one launcher.
#[derive(Debug)]
pub(crate) struct Session {
    directory: PathBuf,
}

impl Session {
    pub(super) fn open(mounted: &Hierarchies, name: &SessionName, own: &[ProcessId]) -> Result<Self, String> {
        let place = mounted.unified.as_ref().ok_or("the unified hierarchy is not mounted")?;
        let has_all = |file: &str| {
            let offered = fs::read_to_string(place.top.join(file)).unwrap_or_default();
            CONTROLLERS.iter().all(|wanted| offered.split_whitespace().any(|offered| offered == *wanted))
        };
        if !has_all("cgroup.controllers") {
            return Err("it offers no memory, cpu and pids controllers".to_owned());
        }
        // Our own group keeps the operator's limits on the service in force; the top one is there for root.
        let mut refused = String::new();
        for parent in [own_parent(&place.own), place.own.clone(), place.top.clone()] {
            clear_dead_sessions(&parent, clear);
            match Self::make(&parent, name, own) {
                Ok(session) => return Ok(session),
                Err(error) => refused = format!("{}: {error}", parent.display()),
            }
        }
        Err(format!("{refused} (a subtree must be delegated, such as by Delegate=yes of systemd)"))
    }

    fn make(parent: &Path, name: &SessionName, own: &[ProcessId]) -> io::Result<Self> {
        enable_controllers(parent, own)?;
        let directory = parent.join(name.to_string());
        fs::create_dir(&directory)?;
        let session = Self { directory };
        if let Err(error) = enable_controllers(&session.directory, &[]) {
            session.close();
            return Err(error);
        }
        Ok(session)
    }

    pub(super) fn group(&self, name: &str) -> Group {
        Group { directory: self.directory.join(name) }
    }

    pub(super) fn close(&self) {
        clear(&self.directory);
    }
}

/// A server that was started before has moved itself into a leaf; the groups belong beside it.
fn own_parent(own: &Path) -> PathBuf {
    match own.parent() {
        Some(parent) if own.ends_with(LEAF) => parent.to_path_buf(),
        _ => own.to_path_buf(),
    }
}

fn enable_controllers(parent: &Path, own: &[ProcessId]) -> io::Result<()> {
    let control = parent.join("cgroup.subtree_control");
    let wanted = CONTROLLERS.map(|controller| format!("+{controller}")).join(" ");
    match write_control(&control, &wanted) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            move_to_leaf(parent, own)?;
            write_control(&control, &wanted)
        }
        result => result,
    }
}

/// Moves our own processes into a leaf of their own. Those of others are not ours to move.
fn move_to_leaf(parent: &Path, own: &[ProcessId]) -> io::Result<()> {
    let present = fs::read_to_string(parent.join("cgroup.procs"))?;
    let present: Vec<ProcessId> = present.lines().filter_map(|line| line.parse().ok()).collect();
    if let Some(foreign) = present.iter().find(|process| !own.contains(process)) {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("process {foreign}, which is not ours, is in the same group"),
        ));
    }
    let leaf = parent.join(LEAF);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    present.iter().try_for_each(|process| write_control(&leaf.join("cgroup.procs"), &process.to_string()))
}

fn clear(session: &Path) {
    for group in subdirectories(session) {
        let group = Group { directory: group };
        group.kill();
        // What cannot be removed now is cleared by the next launcher.
        let _busy = remove_directory_soon(&group.directory);
    }
    let _busy = remove_directory_soon(session);
}

/// The directory of one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    directory: PathBuf,
}

impl ResourceGroup for Group {
    fn create(&self) -> io::Result<()> {
        fs::create_dir(&self.directory)?;
        write_control(&self.directory.join("pids.max"), &MAX_PROCESSES.to_string())
    }

    fn birthplace(&self) -> io::Result<Option<OwnedFd>> {
        Ok(Some(OwnedFd::from(fs::File::open(&self.directory)?)))
    }

    fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        let file = fs::OpenOptions::new().write(true).open(self.directory.join("cgroup.procs"))?;
        Ok(vec![OwnedFd::from(file)])
    }

    fn limit_memory(&self, limits: &Limits) -> io::Result<()> {
        write_control(&self.directory.join("memory.max"), &limits.memory_bytes.to_string())?;
        // Absent when the kernel does not account for swap.
        match write_control(&self.directory.join("memory.swap.max"), "0") {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn limit_cpu(&self, limits: &Limits) -> io::Result<()> {
        write_control(&self.directory.join("cpu.max"), &format!("{} {CPU_PERIOD_US}", limits.cpu_quota_us))
    }

    fn memory_peak_bytes(&self) -> u64 {
        // The peak is kept since Linux 5.19; before that only the present use is known.
        let files = ["memory.peak", "memory.current"];
        files.iter().find_map(|file| read_number(&self.directory.join(file), None)).unwrap_or(0)
    }

    fn was_out_of_memory(&self) -> bool {
        read_number(&self.directory.join("memory.events"), Some("oom_kill ")).is_some_and(|kills| kills > 0)
    }

    fn set_frozen(&self, frozen: bool) {
        let _gone = write_control(&self.directory.join("cgroup.freeze"), if frozen { "1" } else { "0" });
    }

    fn can_freeze(&self) -> bool {
        true
    }

    fn kill(&self) {
        // Since Linux 5.14, and then it reaches frozen processes and those being forked too.
        if write_control(&self.directory.join("cgroup.kill"), "1").is_err() {
            self.set_frozen(false);
            super::kill_listed(&self.directory.join("cgroup.procs"));
        }
    }

    fn remove(&self) -> io::Result<()> {
        remove_directory(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with the files that the kernel would make.
    fn fake_group() -> (tempfile::TempDir, Group) {
        let directory = tempfile::tempdir().unwrap();
        for file in ["memory.max", "memory.swap.max", "cpu.max", "cgroup.freeze", "cgroup.procs"] {
            fs::write(directory.path().join(file), "").unwrap();
        }
        let group = Group { directory: directory.path().to_path_buf() };
        (directory, group)
    }

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let (directory, group) = fake_group();
        let limits = Limits::of_memory(256);
        group.limit_memory(&limits).unwrap();
        group.limit_cpu(&limits).unwrap();
        let read = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap();
        assert_eq!(read("memory.max"), "268435456");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("cpu.max"), "14471 100000");
    }

    #[test]
    fn events_and_peaks_are_read() {
        let (directory, group) = fake_group();
        assert!(!group.was_out_of_memory());
        fs::write(directory.path().join("memory.events"), "low 0\noom 1\noom_kill 2\noom_group_kill 0\n")
            .unwrap();
        fs::write(directory.path().join("memory.current"), "4096\n").unwrap();
        assert!(group.was_out_of_memory());
        assert_eq!(group.memory_peak_bytes(), 4096);
        fs::write(directory.path().join("memory.peak"), "8192\n").unwrap();
        assert_eq!(group.memory_peak_bytes(), 8192);
    }
}
