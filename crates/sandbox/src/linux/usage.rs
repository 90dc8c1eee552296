//! How much memory a process tree has used, where there is no control group to say so.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};

/// The sum over all living processes below the one of `pidfd` of the most that each has had resident, in bytes. What
/// they share counts more than once. 0 when there is nothing to read.
pub(super) fn memory_peak_bytes(pidfd: &OwnedFd) -> u64 {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).unwrap_or_default();
    // -1 once it has been reaped.
    let first = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse::<u32>().ok());
    let mut unvisited: Vec<u32> = first.map(children).unwrap_or_default();
    let mut sum = 0;
    while let Some(process) = unvisited.pop() {
        sum += peak_of(process);
        unvisited.extend(children(process));
    }
    sum
}

/// Each thread has a list of those that it has made.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let listed = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    listed
        .flat_map(|list| list.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn peak_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_count_and_the_first_process_does_not() {
        let own = rustix::process::getpid();
        let pidfd = rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let peak = memory_peak_bytes(&pidfd);
        assert!(peak >= peak_of(child.id()) && peak > 0, "{peak}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
