//! Control groups as they were first: one hierarchy per controller.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mounted::Hierarchies;
use super::{
    CPU_PERIOD_US, Limits, MAX_PROCESSES, ResourceGroup, SessionName, clear_dead_sessions, kill_listed,
    read_number, remove_directory, remove_directory_soon, subdirectories, write_control,
};

/// Those we use.
const CONTROLLERS: [&str; 4] = ["memory", "cpu", "pids", "freezer"];

/// A directory in each hierarchy.
#[derive(Debug)]
pub(crate) struct Session {
    directories: BTreeMap<&'static str, PathBuf>,
}

impl Session {
    pub(super) fn open(mounted: &Hierarchies, name: &SessionName) -> Result<Self, String> {
        let mut directories = BTreeMap::new();
        let mut refused = String::from("no controller is mounted");
        for controller in CONTROLLERS {
            let Some(place) = mounted.legacy.get(controller) else { continue };
            clear_dead_sessions(&place.own, clear);
            let directory = place.own.join(name.to_string());
            match fs::create_dir(&directory) {
                Ok(()) => drop(directories.insert(controller, directory)),
                Err(error) => refused = format!("{}: {error}", directory.display()),
            }
        }
        if directories.contains_key("memory") { Ok(Self { directories }) } else { Err(refused) }
    }

    pub(super) fn controllers(&self) -> Vec<&'static str> {
        self.directories.keys().copied().collect()
    }

    pub(super) fn group(&self, name: &str) -> Group {
        let of = |controller: &str| self.directories.get(controller).map(|directory| directory.join(name));
        Group { memory: of("memory"), cpu: of("cpu"), pids: of("pids"), freezer: of("freezer") }
    }

    pub(super) fn close(&self) {
        self.directories.values().for_each(|directory| clear(directory));
    }
}

/// Ends what runs in a session's directory and removes it.
fn clear(session: &Path) {
    for group in subdirectories(session) {
        // Nothing that is frozen dies. In the other hierarchies there is no such file.
        let _other_hierarchy = write_control(&group.join("freezer.state"), "THAWED");
        kill_listed(&group.join("cgroup.procs"));
        // What cannot be removed now is cleared by the next launcher.
        let _busy = remove_directory_soon(&group);
    }
    let _busy = remove_directory_soon(session);
}

/// The directory of one environment in each hierarchy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    memory: Option<PathBuf>,
    cpu: Option<PathBuf>,
    pids: Option<PathBuf>,
    freezer: Option<PathBuf>,
}

impl Group {
    fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.memory, &self.cpu, &self.pids, &self.freezer].into_iter().flatten()
    }
}

impl ResourceGroup for Group {
    fn create(&self) -> io::Result<()> {
        self.directories().try_for_each(fs::create_dir)?;
        match &self.pids {
            Some(pids) => write_control(&pids.join("pids.max"), &MAX_PROCESSES.to_string()),
            None => Ok(()),
        }
    }

    fn birthplace(&self) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    fn entrances(&self) -> io::Result<Vec<OwnedFd>> {
        // By thread, and what enters has one only: moving a whole process takes a lock over every fork and exit on
        // the host, which takes the kernel some 10 ms to get (a wait for RCU).
        let open = |directory: &PathBuf| {
            let file = fs::OpenOptions::new().write(true).open(directory.join("tasks"))?;
            Ok(OwnedFd::from(file))
        };
        self.directories().map(open).collect()
    }

    fn limit_memory(&self, limits: &Limits) -> io::Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let bytes = limits.memory_bytes.to_string();
        write_control(&memory.join("memory.limit_in_bytes"), &bytes)?;
        // Memory and swap together. Absent when the kernel does not account for swap.
        match write_control(&memory.join("memory.memsw.limit_in_bytes"), &bytes) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn limit_cpu(&self, limits: &Limits) -> io::Result<()> {
        let Some(cpu) = &self.cpu else { return Ok(()) };
        write_control(&cpu.join("cpu.cfs_period_us"), &CPU_PERIOD_US.to_string())?;
        write_control(&cpu.join("cpu.cfs_quota_us"), &limits.cpu_quota_us.to_string())
    }

    fn memory_peak_bytes(&self) -> u64 {
        self.memory
            .as_ref()
            .and_then(|memory| read_number(&memory.join("memory.max_usage_in_bytes"), None))
            .unwrap_or(0)
    }

    fn was_out_of_memory(&self) -> bool {
        let kills = self.memory.as_ref().and_then(|memory| {
            // "oom_kill_disable" comes first and begins alike.
            read_number(&memory.join("memory.oom_control"), Some("oom_kill "))
        });
        kills.is_some_and(|kills| kills > 0)
    }

    fn set_frozen(&self, frozen: bool) {
        if let Some(freezer) = &self.freezer {
            let state = if frozen { "FROZEN" } else { "THAWED" };
            let _gone = write_control(&freezer.join("freezer.state"), state);
        }
    }

    fn can_freeze(&self) -> bool {
        self.freezer.is_some()
    }

    fn kill(&self) {
        self.set_frozen(false);
        if let Some(any) = self.directories().next() {
            kill_listed(&any.join("cgroup.procs"));
        }
    }

    fn remove(&self) -> io::Result<()> {
        self.directories().try_for_each(|directory| remove_directory(directory))
    }
}
