//! What the tests of the sandbox share: a main that can be the launcher, and a Runtime API spoken by hand.

// Also found when a benchmark includes this file.
#[path = "harness/runtime_api.rs"]
pub mod runtime_api;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};

use ids::AccountId;
use sandbox::{
    Environment, EnvironmentId, EnvironmentSpec, LinuxOptions, LinuxSandbox, Network, PoolSizes, Program,
    Sandbox,
};
use tasks::Tasks;
use tempfile::TempDir;

/// What a test says when it has run.
pub enum Verdict {
    Passed,
    /// This host does not allow it, for this reason.
    Skipped(String),
}

pub type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = Verdict>>>);

/// Names a test function for [`run`].
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), || Box::pin($name()))),*]
    };
}

/// The `main` of a test binary: the launcher if it was started as one, or else the tests whose names contain the
/// arguments, one after the other.
pub fn run(tests: &[Test]) {
    sandbox::launcher::main_if_requested();
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if std::env::args().any(|argument| argument == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut failed = Vec::new();
    for (name, test) in
        tests.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| name.contains(w)))
    {
        // Far more than any needs, even on a busy host.
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
        let outcome = runtime.block_on(async {
            let run = async { tokio::task::spawn_local(test()).await };
            clock::execution_timeout(PATIENCE, tokio::task::LocalSet::new().run_until(run)).await
        });
        let failure = match outcome {
            Ok(Ok(Verdict::Passed)) => {
                println!("test {name} ... ok");
                continue;
            }
            Ok(Ok(Verdict::Skipped(reason))) => {
                println!("test {name} ... SKIPPED: {reason}");
                continue;
            }
            Ok(Err(panic)) => panic.to_string(),
            Err(_) => format!("not done after {PATIENCE:?}"),
        };
        println!("test {name} ... FAILED ({failure})");
        failed.push(*name);
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// A sandbox with directories to run code from.
pub struct Stage {
    pub sandbox: LinuxSandbox,
    pub directory: TempDir,
    tasks: Tasks,
    environments: AtomicU32,
}

impl Stage {
    /// `None`, with the reason, when this host cannot confine at all.
    pub async fn set(pools: PoolSizes) -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        open_to_all(directory.path());
        let state_dir = directory.path().join("state");
        std::fs::create_dir(&state_dir).unwrap();
        let tasks = Tasks::new();
        let options = LinuxOptions { pools, ..LinuxOptions::new(state_dir) };
        let sandbox = LinuxSandbox::start(options, tasks.clone()).await.map_err(|error| error.to_string())?;
        Ok(Self { sandbox, directory, tasks, environments: AtomicU32::new(0) })
    }

    /// Without pools. Panics when this host cannot confine at all: the escape tests mean nothing then.
    pub async fn bare() -> Self {
        Self::set(PoolSizes::NONE).await.unwrap()
    }

    /// A directory with these files, readable by any user; names that end in `!` are executable.
    pub fn code(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let code = self.directory.path().join(name);
        std::fs::create_dir_all(&code).unwrap();
        open_to_all(&code);
        for (file, text) in files {
            let path = code.join(file.trim_end_matches('!'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            let mode = if file.ends_with('!') { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        code
    }

    /// A function whose program is a shell script.
    pub fn script(&self, name: &str, text: &str) -> EnvironmentSpec {
        let code = self.code(name, &[("bootstrap!", &format!("#!/bin/sh\n{text}\n"))]);
        self.spec(Program::Bootstrap, code)
    }

    /// A function in Python: `handler.handler`.
    pub fn python(&self, name: &str, text: &str) -> EnvironmentSpec {
        let code = self.code(name, &[("handler.py", text)]);
        self.spec(Program::Python { interpreter: python() }, code)
    }

    pub fn spec(&self, program: Program, task_dir: PathBuf) -> EnvironmentSpec {
        let number = self.environments.fetch_add(1, Ordering::Relaxed);
        EnvironmentSpec {
            id: EnvironmentId(format!("{number:032x}")),
            account: AccountId::parse("000000000000").unwrap(),
            program,
            task_dir,
            layer_dirs: Vec::new(),
            variables: variables(),
            memory_mb: 256,
            tmp_mb: 64,
            network: Network::Endpoint,
        }
    }

    pub async fn start(&self, spec: EnvironmentSpec) -> Environment {
        self.sandbox.start(spec).await.unwrap()
    }

    /// Runs a shell script to its end and gives what it wrote.
    pub async fn output_of(&self, name: &str, script: &str) -> String {
        let environment = self.start(self.script(name, script)).await;
        environment.process.exited().await;
        let output = output(&environment);
        environment.process.kill().await;
        output
    }

    /// Fills the pools for `spec`, and waits until there is something in them.
    pub async fn warm(&self, spec: &EnvironmentSpec) {
        self.sandbox.expect(spec);
        self.sandbox.filled().await;
    }

    /// Why the fence `name` does not stand on this host, if it does not.
    pub fn lacks(&self, name: &str) -> Option<String> {
        let isolation = self.sandbox.isolation();
        let missing = isolation.missing().find(|feature| feature.name == name);
        missing.map(|feature| feature.detail.clone())
    }

    pub async fn strike(self) {
        self.sandbox.shut_down().await;
        self.tasks.drain().await;
    }
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Some Python 3 on this host.
pub fn python() -> PathBuf {
    let output =
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    PathBuf::from(String::from_utf8(output.expect("python3 is installed").stdout).unwrap().trim())
}

/// Some Node.js on this host.
pub fn node() -> Option<PathBuf> {
    let candidates = ["/usr/bin/node", "/usr/local/bin/node"];
    candidates.iter().map(PathBuf::from).find(|path| path.exists())
}

/// Waits until the environment has written `text`. All that it has written until then.
pub async fn wait_for_output(environment: &Environment, text: &str) -> String {
    let mut said = String::new();
    let wait = async {
        while !said.contains(text) {
            clock::execution_sleep(std::time::Duration::from_millis(5)).await;
            said.push_str(&output(environment));
        }
    };
    let waited = clock::execution_timeout(std::time::Duration::from_secs(10), wait).await;
    assert!(waited.is_ok(), "{text:?} was not written: {said:?}");
    said
}

/// As the server sets them.
pub fn variables() -> Vec<(String, String)> {
    [
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        (
            "LD_LIBRARY_PATH",
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        ),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("AWS_LAMBDA_FUNCTION_NAME", "test"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0"),
        ("AWS_REGION", "eu-central-1"),
        ("_HANDLER", "handler.handler"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// What the environment has written so far.
pub fn output(environment: &Environment) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while let Ok(read) = rustix::io::read(&environment.output, &mut part) {
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
