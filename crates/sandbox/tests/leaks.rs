//! Nothing is left behind: not by environments that have ended, not by a server or a launcher that was killed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test without the standard harness")]
#![expect(dead_code, reason = "not every program needs all of the harness")]
#![expect(unreachable_pub, reason = "the harness is a module of several programs")]

mod harness;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::runtime_api::RuntimeApi;
use harness::{Stage, Verdict};
use sandbox::{Exit, PoolSizes, Sandbox};

/// The argument of a process that starts environments and then waits to be killed.
const VICTIM: &str = "victim";
const POOLS: PoolSizes = PoolSizes { jails: 2, prepared: 2, keys: 2 };

fn main() {
    if std::env::args().nth(1).is_some_and(|argument| argument == VICTIM) {
        return be_a_victim();
    }
    harness::run(tests![
        two_hundred_environments_leave_nothing,
        accounts_that_come_and_go_leave_nothing,
        a_caller_that_gives_up_leaves_nothing,
        a_killed_server_leaves_nothing,
        a_killed_launcher_leaves_nothing_and_is_replaced,
        a_dead_predecessors_groups_are_cleared,
        a_shut_down_leaves_nothing,
    ]);
}

/// Processes that descend from `ancestor`.
fn descendants(ancestor: u32) -> Vec<u32> {
    let mut found = vec![];
    let mut open = vec![ancestor];
    while let Some(process) = open.pop() {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().map(|child| child.parse::<u32>().unwrap());
            open.extend(children.clone());
            found.extend(children);
        }
    }
    found
}

/// The launcher of the only sandbox that `server` has: the child of its guard.
fn launcher_of(server: u32) -> u32 {
    let is_ours = |process: &&u32| {
        let command = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        command.contains("sandbox-launcher")
    };
    let below = descendants(server);
    *below.iter().filter(is_ours).find(|process| is_first_of_its_namespace(**process)).expect("a launcher")
}

/// The launcher is process 1 of the first pid namespace below ours.
fn is_first_of_its_namespace(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    ids.split_whitespace().collect::<Vec<_>>() == [process.to_string().as_str(), "1"]
}

/// Control groups of sandboxes that `process` has started.
fn groups_of(process: u32) -> Vec<PathBuf> {
    let mine: Vec<String> =
        descendants(process).into_iter().map(|process| format!("lambent-{process}-")).collect();
    groups()
        .into_iter()
        .filter(|path| mine.iter().any(|name| path.to_string_lossy().contains(name)))
        .collect()
}

/// Control groups of any sandbox on this host, and what is in them.
fn groups() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.path().to_string_lossy().contains("/lambent-") {
                    found.push(entry.path());
                }
                walk(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/cgroup"), &mut found);
    found
}

fn count(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

fn lines(file: &str) -> usize {
    std::fs::read_to_string(file).unwrap().lines().count()
}

/// What could leak: processes, control groups, mounts, and descriptors on both sides.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    processes: usize,
    groups: usize,
    mounts: usize,
    launcher_mounts: usize,
    launcher_descriptors: usize,
    own_descriptors: usize,
}

fn holdings() -> Holdings {
    let own = std::process::id();
    let launcher = launcher_of(own);
    Holdings {
        processes: descendants(own).len(),
        groups: groups_of(own).len(),
        mounts: lines("/proc/self/mountinfo"),
        launcher_mounts: lines(&format!("/proc/{launcher}/mountinfo")),
        launcher_descriptors: count(&format!("/proc/{launcher}/fd")),
        own_descriptors: count("/proc/self/fd"),
    }
}

/// Waits until `condition` holds.
async fn settle(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        clock::execution_sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

/// Waits until everything is as it was `before`.
async fn settle_to(before: &Holdings) {
    for _ in 0..400 {
        if holdings() == *before {
            return;
        }
        clock::execution_sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(holdings(), *before);
}

async fn two_hundred_environments_leave_nothing() -> Verdict {
    for pools in [PoolSizes::NONE, POOLS] {
        let stage = Stage::set(pools).await.unwrap();
        let python = stage.python("python", "def handler(event, context):\n    return event\n");
        let mut shell = stage.script("shell", "sleep 60 & exec sleep 60");
        shell.layer_dirs = vec![stage.code("one", &[("a", "")]), stage.code("two", &[("b", "")])];
        let spec = |round: usize| if round.is_multiple_of(4) { python.clone() } else { shell.clone() };
        for round in 0..4 {
            stage.start(spec(round)).await.process.kill().await;
        }
        stage.sandbox.filled().await;
        let before = holdings();
        for round in 0..200 {
            let environment = stage.start(spec(round)).await;
            if round.is_multiple_of(3) {
                environment.process.freeze();
            }
            environment.process.kill().await;
        }
        stage.sandbox.filled().await;
        settle_to(&before).await;
        stage.strike().await;
    }
    Verdict::Passed
}

async fn accounts_that_come_and_go_leave_nothing() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let mut spec = stage.python("python", "def handler(event, context):\n    return event\n");
    let mut processes = Vec::new();
    for account in 0..6 {
        spec.account = ids::AccountId::parse(&format!("{account:012}")).unwrap();
        stage.warm(&spec).await;
        let environment = stage.start(spec.clone()).await;
        assert!(environment.pooled);
        environment.process.kill().await;
        stage.sandbox.filled().await;
        processes.push(descendants(std::process::id()).len());
    }
    // Two accounts have pools; those of the others are gone.
    settle(&format!("{processes:?}"), || descendants(std::process::id()).len() == processes[1]).await;
    stage.strike().await;
    Verdict::Passed
}

async fn a_caller_that_gives_up_leaves_nothing() -> Verdict {
    let stage = Stage::bare().await;
    let spec = stage.script("shell", "exec sleep 60");
    stage.start(spec.clone()).await.process.kill().await;
    let before = holdings();
    for _ in 0..10 {
        tokio::select! {
            biased;
            () = clock::execution_sleep(Duration::from_micros(300)) => {}
            environment = stage.start(spec.clone()) => environment.process.kill().await,
        }
    }
    settle_to(&before).await;
    stage.strike().await;
    Verdict::Passed
}

/// Has environments of every kind, one of them frozen, says so, and waits.
fn be_a_victim() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let stage = Stage::set(POOLS).await.unwrap();
        let python = stage.python("python", "def handler(event, context):\n    return event\n");
        let shell = stage.script("shell", "trap '' TERM HUP INT; sleep 600 & setsid sleep 600 & sleep 600");
        let mut environments = vec![stage.start(shell.clone()).await, stage.start(shell).await];
        stage.warm(&python).await;
        environments.push(stage.start(python).await);
        RuntimeApi::of(&environments[2]).ready().await;
        environments[0].process.freeze();
        stage.sandbox.filled().await;
        println!("ready");
        std::future::pending::<()>().await;
    });
}

async fn a_killed_server_leaves_nothing() -> Verdict {
    let exe = std::env::current_exe().unwrap();
    let mut victim = Command::new(exe).arg(VICTIM).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    victim.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let below = descendants(victim.id());
    assert!(below.len() >= 12, "guard, launcher, zygote, jails: {below:?}");
    let groups = groups_of(victim.id());
    victim.kill().unwrap();
    victim.wait().unwrap();
    settle(&format!("of {below:?} some are left"), || {
        below.iter().all(|process| !Path::new(&format!("/proc/{process}")).exists())
    })
    .await;
    settle("control groups are left", || groups.iter().all(|group| !group.exists())).await;
    Verdict::Passed
}

async fn a_killed_launcher_leaves_nothing_and_is_replaced() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let spec = stage.script("shell", "exec sleep 60");
    let environment = stage.start(spec.clone()).await;
    environment.process.freeze();
    let own = std::process::id();
    let (launcher, below, groups) = (launcher_of(own), descendants(own), groups_of(own));
    assert!(!groups.is_empty() || stage.lacks("memory").is_some());
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(launcher.cast_signed()).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    environment.process.kill().await;
    settle("control groups are left", || groups.iter().all(|group| !group.exists())).await;
    let next = stage.start(spec).await;
    let now = descendants(own);
    assert!(below.iter().all(|process| !now.contains(process)), "{below:?} {now:?}");
    next.process.kill().await;
    stage.strike().await;
    Verdict::Passed
}

async fn a_dead_predecessors_groups_are_cleared() -> Verdict {
    let stage = Stage::bare().await;
    if let Some(reason) = stage.lacks("memory") {
        stage.strike().await;
        return Verdict::Skipped(reason);
    }
    // Process 1 lives, but did not start at that time.
    let sessions: Vec<PathBuf> = groups_of(std::process::id())
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("lambent-"))
        .map(|path| path.with_file_name("lambent-1-99999999999999"))
        .collect();
    assert!(!sessions.is_empty());
    for session in &sessions {
        std::fs::create_dir_all(session.join("7")).unwrap();
    }
    let other = Stage::bare().await;
    let left: Vec<_> = sessions.iter().filter(|session| session.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
    // A session whose owner lives is left alone: the first stage still works.
    stage.output_of("after", "true").await;
    other.strike().await;
    stage.strike().await;
    Verdict::Passed
}

async fn a_shut_down_leaves_nothing() -> Verdict {
    let stage = Stage::set(POOLS).await.unwrap();
    let environment = stage.start(stage.script("shell", "exec sleep 60")).await;
    let groups = groups_of(std::process::id());
    stage.sandbox.shut_down().await;
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    assert_eq!(descendants(std::process::id()), Vec::<u32>::new());
    assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
    Verdict::Passed
}
