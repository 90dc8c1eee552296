//! Finds processes by what they were started with: a function's own children may have left its session.

/// How often processes are looked for before we give up.
#[cfg(target_os = "linux")]
const PASSES_MAX: usize = 1000;

/// Kills every process whose start-up environment holds the entry `variable` (`NAME=value`), until none is left.
#[cfg(target_os = "linux")]
pub(super) fn kill_all_with(variable: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    // A process may fork while it is looked for, so look again; a bound, as one may also refuse to die.
    for _ in 0..PASSES_MAX {
        let mut is_done = true;
        for pid in list_processes() {
            match has_variable(pid, variable) {
                Some(false) => continue,
                // It may be gone by now.
                Some(true) => drop(Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL))),
                None => {}
            }
            is_done = false;
        }
        if is_done {
            return;
        }
        std::thread::yield_now();
    }
    tracing::warn!(variable, "processes of an ended environment do not end");
}

/// Only Linux shows the environments of other processes.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill_all_with(_variable: &str) {}

#[cfg(target_os = "linux")]
fn list_processes() -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != own).collect()
}

/// Nothing while that cannot be told, because the process is just being given its program. False also for other
/// users' processes, which cannot be read.
#[cfg(target_os = "linux")]
fn has_variable(pid: i32, variable: &str) -> Option<bool> {
    let Ok(environ) = std::fs::read(format!("/proc/{pid}/environ")) else { return Some(false) };
    if environ.is_empty() {
        return if is_in_exec(pid) { None } else { Some(false) };
    }
    Some(environ.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()))
}

/// Whether a process without an environment is one in the middle of `execve`: its memory has no place for the
/// environment yet. Zombies and kernel threads have none either, for ever. (proc_pid_stat(5))
#[cfg(target_os = "linux")]
fn is_in_exec(pid: i32) -> bool {
    const KERNEL_THREAD: u64 = 0x0020_0000;
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
    let is_kernel_thread = field(9).parse().is_ok_and(|flags: u64| flags & KERNEL_THREAD != 0);
    !matches!(field(3), "Z" | "X" | "") && !is_kernel_thread && field(51) == "0"
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
