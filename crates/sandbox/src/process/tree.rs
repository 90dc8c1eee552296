//! One environment: a thread that starts its processes, waits for them and clears up after them.
//!
//! The thread lives as long as the environment. The kernel ties the processes to it, because their parent-death
//! signal fires when the *thread* that forked them ends. No process is reaped before the whole tree has been
//! killed: an unreaped process keeps its id, so that a signal can never hit a stranger.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use async_trait::async_trait;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::{oneshot, watch};

use super::command::{self, Extension};
use super::rewrite::Directories;
use super::{Layout, Running, layers, survey};
use crate::{Environment, EnvironmentId, EnvironmentSpec, Exit, Process, StartError};

/// The processes of one environment, each the leader of its own session.
#[derive(Debug)]
pub(super) struct Tree {
    /// The runtime first, then the extensions. Empty once they are reaped: then their ids are not ours to signal.
    leaders: Mutex<Vec<Pid>>,
    exit: watch::Receiver<Option<Exit>>,
    gone: watch::Receiver<bool>,
    end: mpsc::Sender<()>,
    memory_peak_bytes: AtomicU64,
}

impl Tree {
    fn leaders(&self) -> MutexGuard<'_, Vec<Pid>> {
        self.leaders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        for leader in self.leaders().iter() {
            // Nobody may be left in the session but the unreaped leader.
            let _gone = kill_process_group(*leader, signal);
        }
    }

    /// Kills it without waiting.
    pub(super) fn signal_kill(&self) {
        self.signal(Signal::KILL);
        // The thread is gone only if the tree is.
        let _gone = self.end.send(());
    }

    /// Completes when nothing is left of it.
    pub(super) async fn gone(&self) {
        // The sender goes only with the thread, which says so before it ends.
        let mut gone = self.gone.clone();
        let _ended = gone.wait_for(|gone| *gone).await;
    }
}

#[async_trait]
impl Process for Arc<Tree> {
    async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(Exit::Signal(Signal::KILL.as_raw())),
            Err(_) => Exit::Signal(Signal::KILL.as_raw()),
        }
    }

    async fn kill(&self) {
        self.signal_kill();
        self.gone().await;
    }

    fn terminate(&self) {
        self.signal(Signal::TERM);
        // A frozen process would not notice.
        self.signal(Signal::CONT);
    }

    fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn memory_peak_bytes(&self) -> u64 {
        let leaders: Vec<i32> = self.leaders().iter().map(|leader| leader.as_raw_nonzero().get()).collect();
        let now = survey::memory_peak_bytes(&leaders);
        self.memory_peak_bytes.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

/// Starts an environment on a thread of its own.
pub(super) async fn start(
    layout: Arc<Layout>,
    running: Arc<Running>,
    spec: EnvironmentSpec,
) -> Result<Environment, StartError> {
    let (started, outcome) = oneshot::channel();
    let life = move || live(&layout, &running, &spec, started);
    let thread = std::thread::Builder::new().name("environment".to_owned()).stack_size(256 * 1024);
    thread.spawn(life).map_err(|error| StartError::NoRoom(error.to_string()))?;
    outcome.await.unwrap_or_else(|_| Err(StartError::Failed("its thread died".to_owned())))
}

/// An environment that runs, as its thread holds it.
struct Started {
    runtime: Child,
    extensions: Vec<Child>,
    tree: Arc<Tree>,
    exit: watch::Sender<Option<Exit>>,
    gone: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
    /// By this entry of their start-up environment all its processes are known.
    mark: String,
}

fn live(
    layout: &Layout,
    running: &Running,
    spec: &EnvironmentSpec,
    started: oneshot::Sender<Result<Environment, StartError>>,
) {
    let directory = layout.environments_dir.join(&spec.id.0);
    let (environment, this) = match launch(layout, spec, &directory) {
        Ok(launched) => launched,
        Err(error) => {
            remove(&directory);
            // The caller may have stopped waiting; then nobody wants to know.
            let _unwanted = started.send(Err(error));
            return;
        }
    };
    if !running.add(&spec.id, &this.tree) {
        this.tree.signal_kill();
        watch_over(this, running, &spec.id, &directory);
        let _unwanted = started.send(Err(StartError::Failed("the sandbox has been shut down".to_owned())));
        return;
    }
    if started.send(Ok(environment)).is_err() {
        this.tree.signal_kill();
    }
    watch_over(this, running, &spec.id, &directory);
}

fn watch_over(mut this: Started, running: &Running, id: &EnvironmentId, directory: &Path) {
    let exit = wait(Pid::from_child(&this.runtime));
    // Receivers live in the tree, which this thread holds too.
    let _heard = this.exit.send(Some(exit));
    // The other end is in the tree, so this returns only when it is to be killed.
    let _told = this.ended.recv();
    this.tree.signal(Signal::KILL);
    survey::kill_all_with(&this.mark);
    this.tree.leaders().clear();
    for child in std::iter::once(&mut this.runtime).chain(&mut this.extensions) {
        if let Err(error) = child.wait() {
            tracing::warn!(%error, environment = %id, "a process of an ended environment cannot be reaped");
        }
    }
    remove(directory);
    running.remove(id);
    let _heard = this.gone.send(true);
}

/// Waits for the end of a process and leaves it unreaped.
fn wait(pid: Pid) -> Exit {
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(Some(status)) => {
                return match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => Exit::Status(code),
                    (None, signal) => Exit::Signal(signal.unwrap_or_else(|| Signal::KILL.as_raw())),
                };
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "a runtime process cannot be waited for");
                return Exit::Signal(Signal::KILL.as_raw());
            }
        }
    }
}

fn launch(
    layout: &Layout,
    spec: &EnvironmentSpec,
    directory: &Path,
) -> Result<(Environment, Started), StartError> {
    let failed = |what: &str, error: &io::Error| StartError::Failed(format!("{what}: {error}"));
    let tmp = directory.join("tmp");
    std::fs::create_dir_all(&tmp).map_err(|error| failed("its directory", &error))?;
    let task = spec.task_dir.canonicalize().map_err(|error| failed("its code", &error))?;
    let opt =
        layers::merge(&spec.layer_dirs, &directory.join("opt")).map_err(|error| failed("layers", &error))?;
    let runtime_api = listen().map_err(|error| failed("its Runtime API", &error))?;
    let address = runtime_api.local_addr().map_err(|error| failed("its Runtime API", &error))?.to_string();
    let directories = Directories { task: &task, runtime: &layout.runtime_dir, opt: &opt };
    let variables = command::variables(spec, &directories, &address, layout.endpoint_url.as_deref(), &tmp);
    let mut runtime = command::runtime(spec, &directories, &variables)?;
    let extensions = command::extensions(&opt, &variables).map_err(|error| failed("extensions", &error))?;

    let (output, sink) = make_output().map_err(|error| StartError::NoRoom(error.to_string()))?;
    let mut names = Vec::new();
    let mut children = Vec::new();
    for Extension { name, mut command } in extensions {
        match spawn(&mut command, &sink) {
            Ok(child) => children.push(child),
            Err(error) => {
                return Err(give_up(children, &PathBuf::from("/opt/extensions").join(&name), &error));
            }
        }
        names.push(name);
    }
    let program = PathBuf::from(runtime.get_program());
    let runtime = match spawn(&mut runtime, &sink) {
        Ok(child) => child,
        Err(error) => return Err(give_up(children, &program, &error)),
    };
    let this = assemble(runtime, children, &address);
    let process: Box<dyn Process> = Box::new(Arc::clone(&this.tree));
    let environment =
        Environment { runtime_api, endpoint: None, output, extensions: names, pooled: false, process };
    Ok((environment, this))
}

fn assemble(runtime: Child, extensions: Vec<Child>, address: &str) -> Started {
    let (exit, exit_receiver) = watch::channel(None);
    let (gone, gone_receiver) = watch::channel(false);
    let (end, ended) = mpsc::channel();
    let tree = Tree {
        leaders: Mutex::new(std::iter::once(&runtime).chain(&extensions).map(Pid::from_child).collect()),
        exit: exit_receiver,
        gone: gone_receiver,
        end,
        memory_peak_bytes: AtomicU64::new(0),
    };
    let mark = format!("AWS_LAMBDA_RUNTIME_API={address}");
    Started { runtime, extensions, tree: Arc::new(tree), exit, gone, ended, mark }
}

/// Ends what has been started already, and says why the rest could not be.
fn give_up(started: Vec<Child>, program: &Path, error: &io::Error) -> StartError {
    for mut child in started {
        // Both fail only for a process that is already gone.
        let _killed = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _reaped = child.wait();
    }
    let text = format!("{}: {error}", program.display());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => StartError::InvalidEntrypoint(text),
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => StartError::NoRoom(text),
        _ if error.raw_os_error() == Some(libc::ENOEXEC) => StartError::InvalidEntrypoint(text),
        _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => StartError::NoRoom(text),
        _ => StartError::Failed(text),
    }
}

fn spawn(command: &mut Command, sink: &OwnedFd) -> io::Result<Child> {
    command.stdout(Stdio::from(sink.try_clone()?)).stderr(Stdio::from(sink.try_clone()?));
    // A program that was only just unpacked is "busy" until every process that was forked meanwhile, and so has
    // inherited the writer's descriptor, has reached its own exec: a matter of milliseconds.
    for _ in 0..100 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            outcome => return outcome,
        }
    }
    command.spawn()
}

fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A pipe of which only the reading end does not block.
fn make_output() -> io::Result<(OwnedFd, OwnedFd)> {
    let (output, sink) = std::io::pipe()?;
    rustix::io::ioctl_fionbio(&output, true)?;
    Ok((output.into(), sink.into()))
}

fn remove(directory: &Path) {
    if let Err(error) = std::fs::remove_dir_all(directory)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, directory = %directory.display(), "an environment's directory cannot be removed");
    }
}
