//! Limits on what one environment takes from the host: memory, CPU time, processes; and stopping it whole.
//!
//! A *session* is the directory of one launcher, named so that a later one can tell whether its owner still lives;
//! in it every environment has a *group*.

mod mounted;
mod v1;
mod v2;

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::syscalls::{self, ProcessId};

/// CPU time is handed out per this stretch, as the kernel does by default.
const CPU_PERIOD_US: u64 = 100_000;
/// So much memory comes with one CPU (AWS Lambda developer guide, "Configure Lambda function memory").
const MEMORY_MB_PER_CPU: u64 = 1769;
/// The kernel refuses a smaller quota.
const MIN_QUOTA_US: u64 = 1_000;
/// Processes and threads of one environment (AWS Lambda developer guide, "Lambda quotas").
pub(crate) const MAX_PROCESSES: u64 = 1_024;

/// What a group may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Memory, `/tmp` included.
    pub(crate) memory_bytes: u64,
    /// CPU time per [`CPU_PERIOD_US`]; all CPUs together count.
    cpu_quota_us: u64,
}

impl Limits {
    /// As AWS derives them from a function's memory size.
    pub(crate) fn of_memory(memory_mb: u32) -> Self {
        let memory_mb = u64::from(memory_mb);
        let cpu_quota_us = (memory_mb * CPU_PERIOD_US / MEMORY_MB_PER_CPU).max(MIN_QUOTA_US);
        Self { memory_bytes: memory_mb * 1024 * 1024, cpu_quota_us }
    }
}

/// The group of one environment. What fails because the group is gone already is no error.
pub(crate) trait ResourceGroup {
    /// Makes it, with no limits but that on processes.
    fn create(&self) -> io::Result<()>;
    /// Opened so that a process can be forked into it. `None`: it must enter by itself.
    fn birthplace(&self) -> io::Result<Option<OwnedFd>>;
    /// Opened so that a process with a single thread can write "0" to each and so move itself in.
    fn entrances(&self) -> io::Result<Vec<OwnedFd>>;
    /// Sets memory and swap.
    fn limit_memory(&self, limits: &Limits) -> io::Result<()>;
    /// Sets CPU time.
    fn limit_cpu(&self, limits: &Limits) -> io::Result<()>;
    /// The most memory it has used so far, in bytes. 0 when that is not known.
    fn memory_peak_bytes(&self) -> u64;
    /// Whether the kernel has ended a process of it for want of memory.
    fn was_out_of_memory(&self) -> bool;
    /// Stops every process in it, or lets them run again.
    fn set_frozen(&self, frozen: bool);
    /// Whether [`ResourceGroup::set_frozen`] does anything.
    fn can_freeze(&self) -> bool;
    /// Sends SIGKILL to every process in it, frozen or not.
    fn kill(&self);
    /// Removes it. It must be empty; for a moment after its last process has ended it may still be busy.
    fn remove(&self) -> io::Result<()>;
}

/// A group of whichever kind the host has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Group {
    /// See [`v1`].
    V1(v1::Group),
    /// See [`v2`].
    V2(v2::Group),
}

impl std::ops::Deref for Group {
    type Target = dyn ResourceGroup;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::V1(group) => group,
            Self::V2(group) => group,
        }
    }
}

/// The directory of one launcher.
#[derive(Debug)]
pub(crate) enum Session {
    V1(v1::Session),
    V2(v2::Session),
}

impl Session {
    /// Makes one below the group that this process is in, after it has cleared away what dead ones left there.
    /// `own` are the processes that may be moved out of the way.
    ///
    /// # Errors
    /// Why this host offers none, in words for the operator.
    pub(crate) fn open(own: &[ProcessId]) -> Result<Self, String> {
        let name = SessionName::current().map_err(|error| error.to_string())?;
        let mounted =
            mounted::Hierarchies::read().map_err(|error| format!("cgroups cannot be listed: {error}"))?;
        let unified = match v2::Session::open(&mounted, &name, own) {
            Ok(session) => return Ok(Self::V2(session)),
            Err(reason) => reason,
        };
        v1::Session::open(&mounted, &name)
            .map(Self::V1)
            .map_err(|legacy| format!("v2: {unified}; v1: {legacy}"))
    }

    /// A group in it, not yet created.
    pub(crate) fn group(&self, name: &str) -> Group {
        match self {
            Self::V1(session) => Group::V1(session.group(name)),
            Self::V2(session) => Group::V2(session.group(name)),
        }
    }

    /// Ends everything in it and removes it.
    pub(crate) fn close(&self) {
        match self {
            Self::V1(session) => session.close(),
            Self::V2(session) => session.close(),
        }
    }

    /// Which of memory, cpu, pids and freezer it has, and which kind it is.
    pub(crate) fn describe(&self) -> (&'static str, Vec<&'static str>) {
        match self {
            Self::V1(session) => ("cgroup v1", session.controllers()),
            Self::V2(_) => ("cgroup v2", vec!["memory", "cpu", "pids", "freezer"]),
        }
    }
}

/// Names a session after the process that owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SessionName {
    process: ProcessId,
    /// Tells it from a later process with the same id: when it started, in ticks since boot.
    started: u64,
}

impl SessionName {
    const PREFIX: &str = "lambent-";

    fn current() -> io::Result<Self> {
        let process = ProcessId::try_from(std::process::id()).map_err(io::Error::other)?;
        let started =
            start_time(process).ok_or_else(|| io::Error::other("/proc/self/stat has no start time"))?;
        Ok(Self { process, started })
    }

    fn parse(text: &str) -> Option<Self> {
        let (process, started) = text.strip_prefix(Self::PREFIX)?.split_once('-')?;
        Some(Self { process: process.parse().ok()?, started: started.parse().ok()? })
    }

    fn owner_lives(&self) -> bool {
        start_time(self.process) == Some(self.started)
    }
}

impl std::fmt::Display for SessionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}-{}", Self::PREFIX, self.process, self.started)
    }
}

fn start_time(process: ProcessId) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it is in parentheses and may contain anything; the 20th field after it is what we want.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Calls `clear` with every session in `parent` whose owner is dead.
fn clear_dead_sessions(parent: &Path, clear: impl Fn(&Path)) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let dead = name.to_str().and_then(SessionName::parse).is_some_and(|name| !name.owner_lives());
        if dead {
            clear(&entry.path());
        }
    }
}

/// The directories directly in `directory`.
fn subdirectories(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Writes a control file, which must be there already.
fn write_control(path: &Path, value: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// A number in a control file: the whole of it, or the one after `key`.
fn read_number(path: &Path, key: Option<&str>) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    match key {
        None => text.trim().parse().ok(),
        Some(key) => text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok()),
    }
}

/// Removes a group's directory.
fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes a group's directory, and waits for it. The kernel takes a moment after the last process has gone.
fn remove_directory_soon(path: &Path) -> io::Result<()> {
    const ATTEMPTS: u32 = 200;
    for _ in 0..ATTEMPTS {
        match remove_directory(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => pause(),
            result => return result,
        }
    }
    remove_directory(path)
}

/// Lets the kernel get on for up to 5 ms: a group has no event that says "empty now" in v1.
fn pause() {
    let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    // An interrupted wait is as good as a finished one.
    rustix::event::poll(&mut [], Some(&wait)).unwrap_or_default();
}

/// Kills what is listed in a `cgroup.procs` file.
fn kill_listed(procs: &Path) {
    let listed = fs::read_to_string(procs).unwrap_or_default();
    // 0 stands for a process that this pid namespace does not see; killing "0" would hit our own group.
    for process in
        listed.lines().filter_map(|line| line.parse().ok()).filter(|&process: &ProcessId| process > 0)
    {
        syscalls::signal_process(process, libc::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_follows_memory() {
        assert_eq!(Limits::of_memory(1769).cpu_quota_us, 100_000);
        assert_eq!(Limits::of_memory(128).cpu_quota_us, 7_235);
        assert_eq!(Limits::of_memory(1).cpu_quota_us, MIN_QUOTA_US);
    }

    #[test]
    fn a_session_knows_whether_its_owner_lives() {
        let mine = SessionName::current().unwrap();
        assert_eq!(SessionName::parse(&mine.to_string()), Some(mine.clone()));
        assert!(mine.owner_lives());
        assert!(!SessionName { started: mine.started + 1, ..mine }.owner_lives());
        assert_eq!(SessionName::parse("lambent-x-1"), None);
    }
}
