//! Requests to the launcher and what comes of them.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{Shutdown, shutdown};
use tasks::Tasks;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use super::process::{LinuxProcess, State};
use super::watched;
use crate::cgroup::Limits;
use crate::channel::{Channel, Received};
use crate::launcher::protocol::{Refusal, Report, Request, Setup};
use crate::syscalls::Ended;
use crate::{Environment, EnvironmentSpec, Exit, StartError};

/// The connection to one launcher.
#[derive(Debug)]
pub(super) struct Client {
    channel: AsyncFd<Channel>,
    alive: AtomicBool,
    tasks: Tasks,
    last_id: AtomicU64,
    environments: Mutex<HashMap<u64, Entry>>,
    full_awaited: Mutex<HashMap<u64, oneshot::Sender<()>>>,
}

/// What the launcher was asked to start.
#[derive(Debug)]
struct Entry {
    limits: Limits,
    /// Who waits for it to start.
    waiting: Option<oneshot::Sender<Result<Environment, StartError>>>,
    state: watch::Sender<State>,
}

impl Client {
    /// Sends the launcher what it needs to know first.
    pub(super) fn connect(channel: Channel, setup: &Setup, tasks: Tasks) -> io::Result<Arc<Self>> {
        channel.set_nonblocking()?;
        channel.send(setup, &[])?;
        let channel = watched::channel(channel)?;
        Ok(Arc::new(Self {
            channel,
            alive: AtomicBool::new(true),
            tasks,
            last_id: AtomicU64::new(0),
            environments: Mutex::default(),
            full_awaited: Mutex::default(),
        }))
    }

    /// The first report, before [`Client::serve`].
    pub(super) async fn first_report(&self) -> io::Result<Report> {
        let received = self.receive().await?;
        received.map(|(report, _)| report).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Takes reports until the launcher is gone.
    pub(super) fn serve(self: &Arc<Self>) {
        let client = Arc::clone(self);
        self.tasks.spawn("sandbox-reports", async move {
            loop {
                match client.receive().await {
                    Ok(Some((report, descriptors))) => client.take_report(report, descriptors),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(%error, "the sandbox launcher cannot be understood");
                        break;
                    }
                }
            }
            client.bury();
        });
    }

    async fn receive(&self) -> io::Result<Option<Received<Report>>> {
        self.channel.async_io(Interest::READABLE, Channel::receive).await
    }

    async fn send(&self, request: &Request) -> io::Result<()> {
        self.channel.async_io(Interest::WRITABLE, |channel| channel.send(request, &[])).await
    }

    /// Sends a hint: when the launcher is busy or gone, it is lost.
    pub(super) fn tell(&self, request: &Request) {
        if let Err(error) = self.channel.get_ref().send(request, &[]) {
            tracing::debug!(%error, ?request, "a hint to the sandbox launcher is lost");
        }
    }

    /// Whether the launcher is there.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Starts an environment.
    pub(super) async fn start(self: &Arc<Self>, spec: EnvironmentSpec) -> Result<Environment, StartError> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (waiting, started) = oneshot::channel();
        let limits = Limits::of_memory(spec.memory_mb);
        let entry = Entry { limits, waiting: Some(waiting), state: watch::Sender::new(State::default()) };
        self.lock().insert(id, entry);
        // Should the caller give up before it has started, nobody would end it.
        let mut abandoned = Abandoned { client: self, id: Some(id) };
        let request = Request::Start { id, spec: Box::new(spec) };
        let lost = |_| StartError::Failed("the sandbox launcher is gone".to_owned());
        if let Err(error) = self.send(&request).await {
            abandoned.id = None;
            self.lock().remove(&id);
            return Err(StartError::Failed(format!("the sandbox launcher cannot be asked: {error}")));
        }
        let result = started.await.map_err(lost).and_then(|result| result);
        abandoned.id = None;
        result
    }

    fn take_report(self: &Arc<Self>, report: Report, descriptors: Vec<OwnedFd>) {
        match report {
            Report::Started { id, extensions, pooled, group } => {
                let mut environments = self.lock();
                let Some(entry) = environments.get_mut(&id) else { return };
                let process = |pidfd| {
                    let state = entry.state.subscribe();
                    let process = LinuxProcess::new(Arc::clone(self), id, group, pidfd, entry.limits, state);
                    process.watch_init(&self.tasks);
                    process
                };
                let environment = assemble(descriptors, extensions, pooled, process);
                let unwanted = match entry.waiting.take() {
                    Some(waiting) => waiting.send(environment).is_err(),
                    None => true,
                };
                if unwanted {
                    self.tell(&Request::Kill { id });
                }
            }
            Report::Refused { id, refusal } => {
                let waiting = self.lock().remove(&id).and_then(|entry| entry.waiting);
                if let Some(waiting) = waiting {
                    // A caller that has given up does not care.
                    let _given_up = waiting.send(Err(refusal.into()));
                }
            }
            Report::Exited { id, ended, out_of_memory } => {
                self.change(id, |state| state.exit = state.exit.or(Some(exit_of(ended, out_of_memory))));
            }
            Report::Gone { id, memory_peak_bytes } => {
                self.change(id, |state| state.bury(memory_peak_bytes));
                self.lock().remove(&id);
            }
            Report::Full { id } => {
                // Dropping it says so.
                self.full_awaited.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
            Report::Warning { text } => tracing::warn!("sandbox launcher: {text}"),
            Report::Ready(_) => {}
            Report::Unusable { reason } => tracing::error!("sandbox launcher: {reason}"),
        }
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut State)) {
        if let Some(entry) = self.lock().get(&id) {
            entry.state.send_modify(change);
        }
    }

    /// The launcher is gone, and all its environments with it.
    fn bury(&self) {
        self.alive.store(false, Ordering::Release);
        self.full_awaited.lock().unwrap_or_else(PoisonError::into_inner).clear();
        for (_, entry) in self.lock().drain() {
            entry.state.send_modify(|state| state.bury(0));
        }
    }

    /// Asks for the end of an environment, for sure.
    pub(super) async fn kill(&self, id: u64) {
        // A launcher that is gone has taken its environments along.
        let _gone = self.send(&Request::Kill { id }).await;
    }

    /// Waits until the pools are full, or the launcher gone.
    pub(super) async fn await_full(&self) {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, full) = oneshot::channel();
        self.full_awaited.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        if self.send(&Request::AwaitFull { id }).await.is_ok() && self.is_alive() {
            // Dropped, not sent to.
            let _dropped = full.await;
        }
    }

    /// Lets the launcher end, and everything it has started.
    pub(super) fn hang_up(&self) {
        // It may be gone already.
        let _gone = shutdown(self.channel.get_ref().as_fd(), Shutdown::Both);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Entry>> {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends an environment whose start nobody waits for any longer.
struct Abandoned<'a> {
    client: &'a Client,
    id: Option<u64>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.client.tell(&Request::Kill { id });
        }
    }
}

fn assemble(
    descriptors: Vec<OwnedFd>,
    extensions: Vec<String>,
    pooled: bool,
    process: impl FnOnce(OwnedFd) -> LinuxProcess,
) -> Result<Environment, StartError> {
    let mut descriptors = descriptors.into_iter();
    let (Some(runtime_api), Some(output), Some(pidfd)) =
        (descriptors.next(), descriptors.next(), descriptors.next())
    else {
        return Err(StartError::NoRoom("too many files are open".to_owned()));
    };
    Ok(Environment {
        runtime_api: TcpListener::from(runtime_api),
        endpoint: descriptors.next().map(TcpListener::from),
        output,
        extensions,
        pooled,
        process: Box::new(process(pidfd)),
    })
}

fn exit_of(ended: Ended, out_of_memory: bool) -> Exit {
    match ended {
        _ if out_of_memory => Exit::OutOfMemory,
        Ended::Status(status) => Exit::Status(status),
        Ended::Signal(signal) => Exit::Signal(signal),
    }
}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidEntrypoint(text) => Self::InvalidEntrypoint(text),
            Refusal::NoRoom(text) => Self::NoRoom(text),
            Refusal::Failed(text) => Self::Failed(text),
        }
    }
}
