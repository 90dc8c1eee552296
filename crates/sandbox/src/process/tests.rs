//! Real processes: shell scripts as custom runtimes, and Python under our bootstrap.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ids::AccountId;
use tempfile::TempDir;

use super::*;
use crate::{Exit, Network, Program};

struct Fixture {
    home: TempDir,
    task: TempDir,
    sandbox: ProcessSandbox,
}

impl Fixture {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let sandbox = ProcessSandbox::new(ProcessOptions {
            directory: home.path().to_owned(),
            endpoint_url: Some("http://127.0.0.1:4566".to_owned()),
        });
        Self { task: tempfile::tempdir().unwrap(), sandbox: sandbox.unwrap(), home }
    }

    fn spec(&self, script: &str) -> EnvironmentSpec {
        write_program(&self.task.path().join("bootstrap"), script);
        EnvironmentSpec {
            id: EnvironmentId("0123abcd".to_owned()),
            account: AccountId::parse("000000000000").unwrap(),
            program: Program::Bootstrap,
            task_dir: self.task.path().to_owned(),
            layer_dirs: Vec::new(),
            variables: vec![
                ("PATH".to_owned(), "/usr/bin:/bin:/opt/bin".to_owned()),
                ("LAMBDA_TASK_ROOT".to_owned(), "/var/task".to_owned()),
                ("_HANDLER".to_owned(), "index.handler".to_owned()),
            ],
            memory_mb: 128,
            tmp_mb: 512,
            network: Network::Host,
        }
    }
}

fn write_program(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// All that is written until the last process is gone. The pipe does not block, so its end is waited for.
async fn read_all(environment: &mut Environment) -> String {
    let mut output =
        tokio::net::unix::pipe::Receiver::from_owned_fd(environment.output.try_clone().unwrap()).unwrap();
    let mut text = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut output, &mut text).await.unwrap();
    text
}

/// Reads until the text ends with `end`, which the environment must write.
async fn read_until(output: &mut tokio::net::unix::pipe::Receiver, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(tokio::io::AsyncReadExt::read_u8(output).await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

fn receiver(environment: &Environment) -> tokio::net::unix::pipe::Receiver {
    tokio::net::unix::pipe::Receiver::from_owned_fd(environment.output.try_clone().unwrap()).unwrap()
}

fn is_alive(pid: &str) -> bool {
    // A zombie has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[tokio::test]
async fn the_runtime_sees_its_variables_directory_and_addresses() {
    let fixture = Fixture::new();
    let spec = fixture.spec(
        "pwd; echo $LAMBDA_TASK_ROOT $AWS_ENDPOINT_URL; echo $PATH; echo $TMPDIR; \
                             echo $AWS_LAMBDA_RUNTIME_API; exit 3",
    );
    let mut environment = fixture.sandbox.start(spec).await.unwrap();
    assert_eq!(environment.process.exited().await, Exit::Status(3));
    assert_eq!(environment.process.exited().await, Exit::Status(3));

    let task = fixture.task.path().canonicalize().unwrap().display().to_string();
    let address = environment.runtime_api.local_addr().unwrap().to_string();
    let private = fixture.home.path().canonicalize().unwrap().join("environments/0123abcd");
    let lines = read_all(&mut environment).await;
    assert_eq!(
        lines.lines().collect::<Vec<_>>(),
        [
            task.clone(),
            format!("{task} http://127.0.0.1:4566"),
            format!("/usr/bin:/bin:{}/bin", private.join("opt").display()),
            private.join("tmp").display().to_string(),
            address,
        ]
    );

    assert!(private.exists());
    environment.process.kill().await;
    assert!(!private.exists());
}

#[tokio::test]
async fn a_customers_endpoint_and_tmpdir_stand() {
    let fixture = Fixture::new();
    let mut spec = fixture.spec("echo $AWS_ENDPOINT_URL $TMPDIR");
    spec.variables.push(("AWS_ENDPOINT_URL".to_owned(), "http://mine".to_owned()));
    spec.variables.push(("TMPDIR".to_owned(), "/tmp".to_owned()));
    let mut environment = fixture.sandbox.start(spec).await.unwrap();
    assert_eq!(read_all(&mut environment).await, "http://mine /tmp\n");
    environment.process.kill().await;
}

#[tokio::test]
async fn killing_ends_children_that_left_the_session_too() {
    let fixture = Fixture::new();
    let spec = fixture.spec("setsid sleep 1000 & echo $!; sleep 1000 & echo $!; echo ready; sleep 1000");
    let environment = fixture.sandbox.start(spec).await.unwrap();
    let mut output = receiver(&environment);
    let text = read_until(&mut output, "ready\n").await;
    let pids: Vec<&str> = text.lines().take(2).collect();
    environment.process.kill().await;
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    // The pipe ends only once the last process that holds it is gone: no race with the kernel's clearing up.
    let mut rest = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut output, &mut rest).await.unwrap();
    assert!(pids.iter().all(|pid| !is_alive(pid)), "{pids:?}");
    environment.process.kill().await;
}

#[tokio::test]
async fn the_fallback_order_of_bootstraps_ends_in_an_error_in_awss_words() {
    let fixture = Fixture::new();
    let layer = tempfile::tempdir().unwrap();
    let mut spec = fixture.spec("echo task");
    write_program(&layer.path().join("bootstrap"), "echo layer");
    spec.layer_dirs = vec![layer.path().to_owned()];
    std::fs::set_permissions(fixture.task.path().join("bootstrap"), PermissionsExt::from_mode(0o644))
        .unwrap();
    let mut environment = fixture.sandbox.start(spec.clone()).await.unwrap();
    assert_eq!(read_all(&mut environment).await, "layer\n");
    environment.process.kill().await;

    spec.layer_dirs.clear();
    let error = fixture.sandbox.start(spec).await.unwrap_err();
    assert!(
        matches!(&error, StartError::InvalidEntrypoint(text) if text.starts_with("Couldn't find valid bootstrap"))
    );
    assert_eq!(fixture.home.path().join("environments").read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_interpreter_is_an_invalid_entrypoint() {
    let fixture = Fixture::new();
    let mut spec = fixture.spec("");
    spec.program = Program::Python { interpreter: "/nonexistent/python".into() };
    assert!(matches!(fixture.sandbox.start(spec).await, Err(StartError::InvalidEntrypoint(_))));
}

#[tokio::test]
async fn extensions_run_beside_the_runtime_without_its_own_variables() {
    let fixture = Fixture::new();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script =
        "echo extension $0 handler=$_HANDLER root=$LAMBDA_TASK_ROOT api=${AWS_LAMBDA_RUNTIME_API:+set}";
    write_program(&first.path().join("extensions/one"), script);
    write_program(&second.path().join("extensions/two"), "exec sleep 1000");
    let mut spec = fixture.spec("exec sleep 1000");
    spec.layer_dirs = vec![first.path().to_owned(), second.path().to_owned()];
    let environment = fixture.sandbox.start(spec).await.unwrap();
    assert_eq!(environment.extensions, ["one", "two"]);
    let line = read_until(&mut receiver(&environment), "\n").await;
    assert!(line.ends_with("/opt/extensions/one handler= root= api=set\n"), "{line}");
    environment.process.kill().await;
}

#[tokio::test]
async fn a_wrapper_runs_the_runtime_and_a_missing_one_is_status_127() {
    let fixture = Fixture::new();
    let mut spec = fixture.spec("");
    write_program(&fixture.task.path().join("wrapper"), "echo wrapped \"$@\"");
    spec.program = Program::Python { interpreter: "/bin/true".into() };
    spec.variables.push(("AWS_LAMBDA_EXEC_WRAPPER".to_owned(), "/var/task/wrapper".to_owned()));
    let mut environment = fixture.sandbox.start(spec.clone()).await.unwrap();
    let runtime = fixture.home.path().canonicalize().unwrap().join("runtime/bootstrap.py");
    assert_eq!(
        read_all(&mut environment).await,
        format!("wrapped /bin/true -S -s -B {}\n", runtime.display())
    );
    environment.process.kill().await;

    std::fs::remove_file(fixture.task.path().join("wrapper")).unwrap();
    let environment = fixture.sandbox.start(spec).await.unwrap();
    assert_eq!(environment.process.exited().await, Exit::Status(127));
    environment.process.kill().await;
}

#[tokio::test]
async fn a_frozen_environment_stands_still_and_can_be_killed() {
    let fixture = Fixture::new();
    let spec = fixture.spec("echo $$; while :; do read line < pipe; echo $line; done");
    rustix::fs::mkfifoat(rustix::fs::CWD, fixture.task.path().join("pipe"), 0o600.into()).unwrap();
    let environment = fixture.sandbox.start(spec).await.unwrap();
    let mut output = receiver(&environment);
    let pid = read_until(&mut output, "\n").await;
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap();
        stat.split(' ').nth(2).unwrap().to_owned()
    };
    environment.process.freeze();
    while state() != "T" {
        tokio::task::yield_now().await;
    }
    environment.process.thaw();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(fixture.task.path().join("pipe")).unwrap();
    pipe.write_all(b"thawed\n").unwrap();
    assert_eq!(read_until(&mut output, "\n").await, "thawed\n");
    environment.process.freeze();
    environment.process.kill().await;
}

#[tokio::test]
async fn memory_is_that_of_the_tree() {
    let fixture = Fixture::new();
    let spec =
        fixture.spec("head -c 40000000 /dev/zero | tail -c 30000000 | sh -c 'sleep 1000' & echo; wait");
    let environment = fixture.sandbox.start(spec).await.unwrap();
    read_until(&mut receiver(&environment), "\n").await;
    while environment.process.memory_peak_bytes() < 20_000_000 {
        tokio::task::yield_now().await;
    }
    let peak = environment.process.memory_peak_bytes();
    environment.process.kill().await;
    assert!(environment.process.memory_peak_bytes() >= peak);
}

#[tokio::test]
async fn shutting_down_ends_everything_and_lets_nothing_start() {
    let fixture = Fixture::new();
    let spec = fixture.spec("exec sleep 1000");
    let environment = fixture.sandbox.start(spec.clone()).await.unwrap();
    fixture.sandbox.shut_down().await;
    assert_eq!(environment.process.exited().await, Exit::Signal(9));
    assert!(matches!(fixture.sandbox.start(spec).await, Err(StartError::Failed(_))));
    assert_eq!(fixture.home.path().join("environments").read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_killed_server_left_is_ended_at_the_next_start() {
    let fixture = Fixture::new();
    let directory = fixture.home.path().canonicalize().unwrap();
    std::fs::create_dir_all(directory.join("environments/old/tmp")).unwrap();
    let mut orphan = std::process::Command::new("sleep")
        .arg("1000")
        .env("LAMBDA_RUNTIME_DIR", directory.join("runtime"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let options = ProcessOptions { directory: directory.clone(), endpoint_url: None };
    ProcessSandbox::new(options).unwrap();
    let mut nothing = String::new();
    orphan.stdout.take().unwrap().read_to_string(&mut nothing).unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&orphan.wait().unwrap()), Some(9));
    assert!(!directory.join("environments/old").exists());
}

#[tokio::test]
async fn an_id_that_is_no_plain_name_is_refused() {
    let fixture = Fixture::new();
    let mut spec = fixture.spec("");
    spec.id = EnvironmentId("../x".to_owned());
    assert!(matches!(fixture.sandbox.start(spec).await, Err(StartError::Failed(_))));
}

#[test]
fn every_missing_fence_is_named() {
    let fixture = Fixture::new();
    let isolation = fixture.sandbox.isolation();
    assert_eq!(isolation.level, "process");
    let missing: Vec<_> = isolation.missing().map(|feature| feature.name).collect();
    assert_eq!(
        missing,
        ["filesystem", "tmp-size", "user", "processes", "network", "memory", "cpu", "seccomp"]
    );
}

#[tokio::test]
async fn our_bootstraps_find_the_runtime_api_and_the_layers() {
    let interpreters = runtimes::Interpreters::new(std::env::vars());
    for language in [runtimes::Language::Python, runtimes::Language::Node] {
        let Some(found) = interpreters.list().into_iter().find(|found| found.language == language) else {
            tracing::warn!("SKIPPED: there is no {language} on this host");
            continue;
        };
        let fixture = Fixture::new();
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut spec = fixture.spec("");
        for (layer, name) in [(&first, "a"), (&second, "b")] {
            for (path, text) in [("python", "py"), ("nodejs/node_modules", "js")] {
                let directory = layer.path().join(path);
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(directory.join(format!("{name}.{text}")), "").unwrap();
            }
        }
        spec.layer_dirs = vec![first.path().to_owned(), second.path().to_owned()];
        std::fs::write(fixture.task.path().join("index.py"), "import a, b\ndef handler(e, c): pass\n")
            .unwrap();
        let code = "require('a'); require('b'); exports.handler = async () => {};";
        std::fs::write(fixture.task.path().join("index.js"), code).unwrap();
        spec.variables.push(("NODE_PATH".to_owned(), "/opt/nodejs/node_modules".to_owned()));
        spec.program = match language {
            runtimes::Language::Python => Program::Python { interpreter: found.path },
            runtimes::Language::Node => Program::Node { interpreter: found.path },
        };
        let environment = fixture.sandbox.start(spec).await.unwrap();
        let listener =
            tokio::net::TcpListener::from_std(environment.runtime_api.try_clone().unwrap()).unwrap();
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 44];
        tokio::io::AsyncReadExt::read_exact(&mut connection, &mut request).await.unwrap();
        assert_eq!(&request, b"GET /2018-06-01/runtime/invocation/next HTTP", "{language}");
        environment.process.kill().await;
        assert!(
            !fixture.task.path().join("__pycache__").exists(),
            "the code is shared and not to be written to"
        );
    }
}

/// Ends the thread that stands for the server, and with it what the kernel ties to it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_runtime_dies_with_the_server() {
    use std::os::unix::process::ExitStatusExt;
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("bootstrap");
    write_program(&program, "exec sleep 1000");
    let server = std::thread::spawn(move || {
        let mut command = std::process::Command::new(program);
        command::prepare(&mut command, &[("PATH".to_owned(), "/usr/bin:/bin".to_owned())], Path::new("/"));
        command.spawn().unwrap()
    });
    let mut child = server.join().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}
