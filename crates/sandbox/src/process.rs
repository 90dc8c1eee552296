//! The fallback where the real sandbox cannot run: plain processes, kept apart by nothing.
//!
//! It honours the contract of [`Sandbox`] (Runtime API, output, extensions, layers, kill as a tree), so that
//! everything above works the same on any host; and it says of every fence that it is missing. Code sees real
//! paths instead of `/var/task`, `/opt` and `/tmp`: the variables that name them are rewritten.

mod command;
mod layers;
mod rewrite;
mod survey;
mod tree;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::tree::Tree;
use crate::{Environment, EnvironmentId, EnvironmentSpec, Isolation, IsolationFeature, Sandbox, StartError};

/// How plain processes are run.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// Where the bootstraps and the environments' private directories are kept. It must belong to this server
    /// alone: what an earlier one left running there is killed.
    pub directory: PathBuf,
    /// Where functions reach Lambent, such as `http://127.0.0.1:4566`.
    pub endpoint_url: Option<String>,
}

/// Runs environments as plain processes of the server's own user.
#[derive(Debug)]
pub struct ProcessSandbox {
    layout: Arc<Layout>,
    running: Arc<Running>,
}

/// Where things are on the host.
#[derive(Debug)]
struct Layout {
    runtime_dir: PathBuf,
    environments_dir: PathBuf,
    endpoint_url: Option<String>,
}

/// The environments that have not been killed yet.
#[derive(Debug, Default)]
struct Running(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    trees: HashMap<EnvironmentId, Arc<Tree>>,
    shut_down: bool,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False when the sandbox has been shut down: then nothing may be started any more.
    fn add(&self, id: &EnvironmentId, tree: &Arc<Tree>) -> bool {
        let mut state = self.lock();
        if state.shut_down {
            return false;
        }
        state.trees.insert(id.clone(), Arc::clone(tree));
        true
    }

    fn remove(&self, id: &EnvironmentId) {
        self.lock().trees.remove(id);
    }
}

impl ProcessSandbox {
    /// Writes the bootstraps, and ends and removes what an earlier server left in the directory.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn new(options: ProcessOptions) -> io::Result<Self> {
        std::fs::create_dir_all(&options.directory)?;
        // Functions run in directories of their own, so every path they are given has to be absolute.
        let directory = options.directory.canonicalize()?;
        let layout = Layout {
            runtime_dir: directory.join("runtime"),
            environments_dir: directory.join("environments"),
            endpoint_url: options.endpoint_url,
        };
        if layout.environments_dir.read_dir().is_ok_and(|mut left| left.next().is_some()) {
            survey::kill_all_with(&format!("LAMBDA_RUNTIME_DIR={}", layout.runtime_dir.display()));
            std::fs::remove_dir_all(&layout.environments_dir)?;
        }
        runtimes::write_bootstraps(&layout.runtime_dir)?;
        std::fs::create_dir_all(&layout.environments_dir)?;
        Ok(Self { layout: Arc::new(layout), running: Arc::default() })
    }
}

#[async_trait]
impl Sandbox for ProcessSandbox {
    async fn start(&self, spec: EnvironmentSpec) -> Result<Environment, StartError> {
        let id = spec.id.0.clone();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(StartError::Failed(format!("{id:?} cannot name an environment's directory")));
        }
        tree::start(Arc::clone(&self.layout), Arc::clone(&self.running), spec).await
    }

    /// Nothing is pooled here.
    fn expect(&self, _spec: &EnvironmentSpec) {}

    fn isolation(&self) -> Isolation {
        Isolation { level: "process", features: features() }
    }

    async fn shut_down(&self) {
        let trees: Vec<Arc<Tree>> = {
            let mut state = self.running.lock();
            state.shut_down = true;
            state.trees.values().cloned().collect()
        };
        for tree in &trees {
            tree.signal_kill();
        }
        for tree in trees {
            tree.gone().await;
        }
    }
}

fn features() -> Vec<IsolationFeature> {
    let missing = |name, detail: &str| IsolationFeature {
        name,
        active: false,
        detail: detail.to_owned(),
        remedy: Some(
            "Use the sandbox (Linux with user namespaces) for code that is not your own.".to_owned(),
        ),
    };
    vec![
        IsolationFeature {
            name: "process-tree",
            active: true,
            detail: "Every environment is a session of its own and is killed as a whole. After a crash of the server \
                     what a function had started itself may live until the next start."
                .to_owned(),
            remedy: None,
        },
        missing("filesystem", "Functions read and write whatever the server's user can; /tmp is shared with the host \
                               (TMPDIR is private), and code and layers are not at /var/task and /opt."),
        missing("tmp-size", "The size of the ephemeral storage is not limited."),
        missing("user", "Functions run as the server's own user."),
        missing("processes", "Functions see and can signal the host's processes, the server's included."),
        missing("network", "Functions reach all that the host reaches, other environments' Runtime APIs included."),
        missing("memory", "The memory size is not a limit."),
        missing("cpu", "CPU time does not follow the memory size."),
        missing("seccomp", "Functions may use every system call."),
    ]
}

#[cfg(test)]
mod tests;
