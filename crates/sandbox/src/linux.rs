//! The server's side of the sandbox: the launcher's client.

mod client;
mod isolation;
mod process;
mod usage;
mod watched;

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tasks::Tasks;

use crate::channel::Channel;
use crate::launcher::ARGUMENT;
use crate::launcher::protocol::{Facts, PoolSizes, Report, Request, Setup};
use crate::{Environment, EnvironmentSpec, Isolation, Network, Sandbox, StartError};
use client::Client;

/// What the sandbox is to be like.
#[derive(Debug, Clone)]
pub struct LinuxOptions {
    /// An existing directory that nothing else uses. The launcher mounts on it, unseen by others; it stays empty.
    pub state_dir: PathBuf,
    /// How much is made ahead of need.
    pub pools: PoolSizes,
    /// The program whose `main` calls [`crate::launcher::main_if_requested`] first: as a rule this one.
    pub launcher: PathBuf,
    /// Where functions on the host's network reach the server. Those on a network of their own have a listener.
    pub endpoint_url: Option<String>,
}

impl LinuxOptions {
    /// The usual pools, and this program as launcher; no endpoint.
    #[must_use]
    pub fn new(state_dir: PathBuf) -> Self {
        let launcher = PathBuf::from("/proc/self/exe");
        Self { state_dir, pools: PoolSizes::default(), launcher, endpoint_url: None }
    }
}

/// This host cannot confine functions.
#[derive(Debug, Clone, thiserror::Error)]
#[error("functions cannot be confined on this host: {reason}")]
pub struct Unavailable {
    /// The step that failed and what the system said.
    pub reason: String,
    /// What an operator can do about it.
    pub remedy: Option<String>,
}

/// Confines functions with what Linux has for it.
#[derive(Debug)]
pub struct LinuxSandbox {
    options: LinuxOptions,
    tasks: Tasks,
    facts: Facts,
    launcher: Mutex<Launcher>,
    /// Held by the start that replaces a launcher that has died.
    relaunch: tokio::sync::Mutex<()>,
    is_shut_down: AtomicBool,
}

/// A running launcher.
#[derive(Debug)]
struct Launcher {
    client: Arc<Client>,
    guard: Child,
}

impl LinuxSandbox {
    /// Starts the launcher, which makes a jail to see that it can.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot.
    pub async fn start(options: LinuxOptions, tasks: Tasks) -> Result<Self, Unavailable> {
        let (launcher, facts) = launch(&options, &tasks).await?;
        Ok(Self {
            options,
            tasks,
            facts,
            launcher: Mutex::new(launcher),
            relaunch: tokio::sync::Mutex::default(),
            is_shut_down: AtomicBool::new(false),
        })
    }

    /// What this host offers: found out by making a jail and ending it again.
    pub async fn probe(options: LinuxOptions) -> Isolation {
        let tasks = Tasks::new();
        match Self::start(LinuxOptions { pools: PoolSizes::NONE, ..options }, tasks.clone()).await {
            Err(unavailable) => isolation::describe_missing(&unavailable),
            Ok(sandbox) => {
                let isolation = sandbox.isolation();
                sandbox.shut_down().await;
                tasks.drain().await;
                isolation
            }
        }
    }

    /// Waits until the pools are as full as they are to be: for tests, benchmarks and a start that takes its time.
    pub async fn filled(&self) {
        self.current().await_full().await;
    }

    /// The launcher's client; a new launcher's if the last one has died.
    async fn client(&self) -> Result<Arc<Client>, StartError> {
        let client = self.current();
        if client.is_alive() {
            return Ok(client);
        }
        let _only_one = self.relaunch.lock().await;
        let client = self.current();
        if client.is_alive() {
            return Ok(client);
        }
        if self.is_shut_down.load(Ordering::Acquire) {
            return Err(StartError::Failed("the sandbox has been shut down".to_owned()));
        }
        let (launcher, _) = launch(&self.options, &self.tasks)
            .await
            .map_err(|error| StartError::Failed(error.to_string()))?;
        tracing::warn!("the sandbox launcher had died and was started again");
        let client = Arc::clone(&launcher.client);
        let mut old = std::mem::replace(&mut *self.lock(), launcher);
        self.tasks.blocking(move || old.guard.wait());
        Ok(client)
    }

    /// Without it, an SDK in a function would call AWS itself. A customer may send it elsewhere.
    fn tell_endpoint(&self, spec: &mut EnvironmentSpec) {
        const NAME: &str = "AWS_ENDPOINT_URL";
        let is_set = spec.variables.iter().any(|(name, _)| name == NAME);
        if let (Network::Host, false, Some(url)) = (spec.network, is_set, &self.options.endpoint_url) {
            spec.variables.push((NAME.to_owned(), url.clone()));
        }
    }

    fn current(&self) -> Arc<Client> {
        Arc::clone(&self.lock().client)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Launcher> {
        self.launcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LinuxSandbox {
    fn drop(&mut self) {
        // The task that takes its reports would keep the launcher's socket open.
        self.current().hang_up();
    }
}

async fn launch(options: &LinuxOptions, tasks: &Tasks) -> Result<(Launcher, Facts), Unavailable> {
    let unavailable = |reason: String| Unavailable { remedy: isolation::remedy(&reason), reason };
    let failed = |error: io::Error| unavailable(format!("the launcher cannot be started: {error}"));
    let (ours, theirs) = Channel::pair().map_err(failed)?;
    let guard = Command::new(&options.launcher)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::from(theirs.into_descriptor()))
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let setup = Setup {
        mount_point: options.state_dir.canonicalize().map_err(failed)?,
        runtime_files: [
            (runtimes::BOOTSTRAP_PY_FILE, runtimes::BOOTSTRAP_PY),
            (runtimes::BOOTSTRAP_MJS_FILE, runtimes::BOOTSTRAP_MJS),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .to_vec(),
        pools: options.pools,
        server: std::process::id().try_into().unwrap_or_default(),
    };
    let client = Client::connect(ours, &setup, tasks.clone()).map_err(failed)?;
    let reason = match client.first_report().await {
        Ok(Report::Ready(facts)) => {
            client.serve();
            return Ok((Launcher { client, guard }, facts));
        }
        Ok(Report::Unusable { reason }) => reason,
        Ok(other) => format!("the launcher said {other:?}"),
        Err(error) => format!("the launcher cannot be started: {error}"),
    };
    let mut guard = guard;
    client.hang_up();
    tasks.blocking(move || guard.wait());
    Err(unavailable(reason))
}

#[async_trait]
impl Sandbox for LinuxSandbox {
    async fn start(&self, mut spec: EnvironmentSpec) -> Result<Environment, StartError> {
        self.tell_endpoint(&mut spec);
        self.client().await?.start(spec).await
    }

    fn expect(&self, spec: &EnvironmentSpec) {
        self.current().tell(&Request::Expect { spec: Box::new(spec.clone()) });
    }

    fn isolation(&self) -> Isolation {
        isolation::describe(&self.facts)
    }

    async fn shut_down(&self) {
        self.is_shut_down.store(true, Ordering::Release);
        // One that is being started has started then.
        let _relaunched = self.relaunch.lock().await;
        let (client, guard) = {
            let launcher = self.lock();
            (Arc::clone(&launcher.client), launcher.guard.id())
        };
        client.hang_up();
        wait_for(guard).await;
        let _reaped = self.lock().guard.wait();
    }
}

/// Waits until a child of ours has ended, without reaping it.
async fn wait_for(process: u32) {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let pidfd =
        pid.and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok());
    let watched = pidfd.and_then(|pidfd| watched::pidfd(pidfd).ok());
    if let Some(watched) = watched {
        // An error here only means that the wait below does the waiting.
        let _readable = watched.readable().await;
    }
}
