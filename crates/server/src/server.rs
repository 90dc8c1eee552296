//! Start, drain, stop.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth::{Defaults, Mode, SessionKeys};
use clock::{Clock, SharedClock, Stopwatch, SystemClock, VirtualClock};
use gateway::{Listening, Origin, Side};
use ids::IdSource;
use packages::Packages;
use sandbox::{Isolation, SharedSandbox};
use store::{EmbeddedStore, SharedStore, StoreError};
use tasks::Tasks;

use crate::Options;
use crate::isolation::{self, Wanted};
use crate::services::Services;

/// How long running requests may take to end when the server stops: the longest that a function may run.
const DRAIN_LIMIT: Duration = Duration::from_secs(900);

/// How long the store of a server that has just ended may be in use.
const STORE_PATIENCE: Duration = Duration::from_secs(1);

/// A server could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct StartError {
    cause: String,
    remedy: Option<&'static str>,
}

impl StartError {
    /// What the operator can do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.remedy
    }

    pub(crate) fn directory(path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self {
            cause: format!("{}: {error}", path.display()),
            remedy: Some("name a directory that this user may write to with --data-dir, or use --ephemeral"),
        }
    }

    fn listen(address: SocketAddr, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another server has this port: stop it, or choose another with --listen"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need privileges: choose another with --listen"
            }
            _ => "choose an address of this host with --listen",
        };
        Self { cause: format!("cannot listen on {address}: {error}"), remedy: Some(remedy) }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    listening: Listening,
    /// The connections and requests of the gateway.
    requests: Tasks,
    /// Everything else.
    background: Tasks,
    sandbox: SharedSandbox,
    services: Services,
}

/// What all services share.
pub(crate) struct Base {
    pub(crate) store: SharedStore,
    pub(crate) packages: Packages,
    pub(crate) clock: SharedClock,
    pub(crate) virtual_clock: Option<Arc<VirtualClock>>,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) sessions: SessionKeys,
    pub(crate) background: Tasks,
}

impl Server {
    /// Opens the data, builds every part, and listens.
    ///
    /// # Errors
    /// [`StartError`] when the address or the data directory cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener =
            TcpListener::bind(options.listen).map_err(|error| StartError::listen(options.listen, &error))?;
        let address = listener.local_addr().map_err(|error| StartError::listen(options.listen, &error))?;
        let data_dir = prepare(&options.data_dir)?;
        let base = open(&options, &data_dir).await?;
        let wanted = Wanted {
            process: options.process_sandbox,
            pool_size: options.pool_size,
            endpoint_url: Some(endpoint_of(address)),
        };
        let sandbox = isolation::start(wanted, &data_dir.join("sandbox"), &base.background).await?;

        let services = Services::build(&options, &base, sandbox.clone(), endpoint_of(address));
        let requests = Tasks::new();
        let gateway = services.open_gateway(&options, &base, sandbox.clone(), requests.clone());
        services.start();
        let origin = Origin {
            defaults: Defaults { account: options.account.clone(), region: options.region.clone() },
            side: Side::Host,
        };
        let listening =
            gateway.serve(listener, origin).map_err(|error| StartError::listen(address, &error))?;
        Ok(Self { address, listening, requests, background: base.background, sandbox, services })
    }

    /// Where clients reach it, such as `http://127.0.0.1:4566`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        endpoint_of(self.address)
    }

    /// What keeps functions apart on this host.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.sandbox.isolation()
    }

    /// Accepts nothing more, lets running requests end, ends all environments, and writes what is in memory.
    pub async fn drain(self) {
        drop(self.listening);
        self.services.sqs.stop_waiting();
        self.services.kinesis.stop_waiting();
        if clock::execution_timeout(DRAIN_LIMIT, self.requests.drain()).await.is_err() {
            tracing::warn!("requests were still running when their time for the shutdown was over");
        }
        self.services.invoker.shut_down(Duration::from_secs(10)).await;
        self.sandbox.shut_down().await;
        self.services.flush().await;
        self.background.drain().await;
    }
}

/// An address that listens everywhere is reached on loopback from here. An IP address, never `localhost`: with a
/// name, clients put bucket names before it.
fn endpoint_of(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

fn prepare(directory: &Path) -> Result<PathBuf, StartError> {
    fs::create_dir_all(directory).map_err(|error| StartError::directory(directory, &error))?;
    // Functions run in directories of their own, so every path has to be absolute.
    directory.canonicalize().map_err(|error| StartError::directory(directory, &error))
}

async fn open(options: &Options, data_dir: &Path) -> Result<Base, StartError> {
    let background = Tasks::new();
    let store = open_store(&data_dir.join("store")).await?;
    let packages_dir = data_dir.join("packages");
    let packages = Packages::open(&packages_dir, background.clone())
        .await
        .map_err(|error| StartError::directory(&packages_dir, &error))?;
    let ids = Arc::new(IdSource::from_entropy());
    // One for each mode: what was issued to anybody while signatures were not checked is worth nothing once they are.
    let sessions_file = data_dir.join(match options.mode() {
        Mode::Strict => "session-secret",
        Mode::Off => "session-secret-without-auth",
    });
    let sessions = SessionKeys::open(&sessions_file, &ids)
        .map_err(|error| StartError::directory(&sessions_file, &error))?;
    let virtual_clock = options.virtual_clock.then(|| Arc::new(VirtualClock::new(SystemClock.now())));
    let clock: SharedClock = match &virtual_clock {
        Some(clock) => clock.clone(),
        None => Arc::new(SystemClock),
    };
    Ok(Base { store: Arc::new(store), packages, clock, virtual_clock, ids, sessions, background })
}

/// What a server that was killed had just forked may hold its files for an instant longer than itself.
async fn open_store(directory: &Path) -> Result<EmbeddedStore, StartError> {
    let watch = Stopwatch::start();
    loop {
        match EmbeddedStore::open(directory) {
            Err(StoreError::InUse(_)) if watch.elapsed() < STORE_PATIENCE => {
                clock::execution_sleep(STORE_PATIENCE / 20).await;
            }
            opened => {
                return opened.map_err(|error| StartError {
                    cause: error.to_string(),
                    remedy: Some("is another server using this --data-dir?"),
                });
            }
        }
    }
}
