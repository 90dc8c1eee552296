//! Finds processes by what they were started with: a function's own children may have left its session.

/// Kills every process whose start-up environment holds the entry `variable` (`NAME=value`), until none is left.
#[cfg(target_os = "linux")]
pub(super) fn kill_all_with(variable: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    // A process may fork while it is looked for, so look again; a bound, as one may also refuse to die.
    for _ in 0..100 {
        let found = find(variable);
        if found.is_empty() {
            return;
        }
        for pid in found.into_iter().filter_map(Pid::from_raw) {
            // It may be gone by now.
            let _gone = kill_process(pid, Signal::KILL);
        }
        std::thread::yield_now();
    }
    tracing::warn!(variable, "processes of an ended environment do not end");
}

/// Only Linux shows the environments of other processes.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill_all_with(_variable: &str) {}

#[cfg(target_os = "linux")]
fn find(variable: &str) -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != own && has_variable(*pid, variable))
        .collect()
}

/// False also for zombies and for other users' processes: their environment cannot be read.
#[cfg(target_os = "linux")]
fn has_variable(pid: i32, variable: &str) -> bool {
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()))
}

/// The most memory that each of `roots` and their descendants has used, added up, in bytes.
#[cfg(target_os = "linux")]
pub(super) fn memory_peak_bytes(roots: &[i32]) -> u64 {
    let mut pending = roots.to_vec();
    let mut sum = 0;
    // A bound, because a function may fork faster than we read.
    for _ in 0..4096 {
        let Some(pid) = pending.pop() else { break };
        sum += peak_of(pid).unwrap_or(0);
        pending.extend(children_of(pid));
    }
    sum
}

/// Not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn memory_peak_bytes(_roots: &[i32]) -> u64 {
    0
}

#[cfg(target_os = "linux")]
fn peak_of(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(target_os = "linux")]
fn children_of(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
