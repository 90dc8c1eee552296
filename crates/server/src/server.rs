//! Start, drain, stop.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admin::{Admin, AdminParts};
use api_iam::IamService;
use api_lambda::LambdaService;
use api_logs::LogsService;
use api_sts::StsService;
use auth::{Authenticator, Defaults, Mode, SessionKeys, StaticKeys};
use clock::{Clock, SharedClock, SystemClock, VirtualClock};
use gateway::{Config, Gateway, Listening, Origin, Side};
use iam::{Iam, IamParts};
use ids::IdSource;
use invoker::{Invoker, InvokerOptions, InvokerParts};
use lambda::{Lambda, LambdaParts};
use logs::CloudWatchLogs;
use metering::Meter;
use packages::Packages;
use runtimes::Interpreters;
use sandbox::{Isolation, Network, SharedSandbox};
use store::{EmbeddedStore, SharedStore};
use tasks::Tasks;
use wire::Service;

use crate::endpoint::InnerEndpoint;
use crate::isolation::{self, Wanted};
use crate::{Authentication, Options};

/// How long running requests may take to end when the server stops: the longest that a function may run.
const DRAIN_LIMIT: Duration = Duration::from_secs(900);

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
            io::ErrorKind::AddrInUse => "another server has this port: stop it, or choose another with --listen",
            io::ErrorKind::PermissionDenied => "ports below 1024 need privileges: choose another with --listen",
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
    invoker: Invoker,
    sandbox: SharedSandbox,
    logs: CloudWatchLogs,
    meter: Arc<Meter>,
}

/// What all services share.
struct Base {
    store: SharedStore,
    packages: Packages,
    clock: SharedClock,
    virtual_clock: Option<Arc<VirtualClock>>,
    ids: Arc<IdSource>,
    sessions: SessionKeys,
    background: Tasks,
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

        let logs = CloudWatchLogs::new(base.store.clone(), base.clock.clone(), base.ids.split());
        logs.start(&base.background);
        let meter = Arc::new(Meter::new(base.store.clone(), base.clock.clone(), &base.background));
        let iam = Iam::new(IamParts {
            store: base.store.clone(),
            clock: base.clock.clone(),
            session_clock: Arc::new(SystemClock),
            ids: Arc::new(base.ids.split()),
            sessions: base.sessions.clone(),
            mode: options.mode(),
        });
        let inner = Arc::new(InnerEndpoint::default());
        let invoker = Invoker::new(InvokerParts {
            sandbox: sandbox.clone(),
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
            logs: Arc::new(logs.clone()),
            usage: meter.clone(),
            credentials: Arc::new(iam.clone()),
            endpoint: inner.clone(),
            network: if options.host_network { Network::Host } else { Network::Endpoint },
            options: InvokerOptions::default(),
        });
        let lambda = Lambda::new(LambdaParts {
            store: base.store.clone(),
            packages: base.packages.clone(),
            interpreters: Arc::new(Interpreters::new(options.variables.iter().cloned())),
            strict_runtimes: options.strict_runtimes,
            invoker: invoker.clone(),
            credentials: Arc::new(iam.clone()),
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
        });
        let requests = Tasks::new();
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(LambdaService(lambda.clone())),
            Arc::new(LogsService(logs.clone())),
            Arc::new(IamService(iam.clone())),
            Arc::new(StsService(iam.clone())),
        ];
        let admin = Admin::new(AdminParts {
            services: services.iter().map(|service| service.schema().name).collect(),
            account: options.account.clone(),
            clock: base.clock.clone(),
            virtual_clock: base.virtual_clock.clone(),
            sandbox: sandbox.clone(),
            meter: meter.clone(),
            lambda: lambda.clone(),
        });
        let gateway = Gateway::new(
            Config::default(),
            services,
            Arc::new(admin),
            authenticator(&options, &base.sessions),
            base.ids.split(),
            requests.clone(),
        );
        inner.open(gateway.clone());
        lambda.start();
        let origin = Origin {
            defaults: Defaults { account: options.account.clone(), region: options.region.clone() },
            side: Side::Host,
        };
        let listening =
            gateway.serve(listener, origin).map_err(|error| StartError::listen(address, &error))?;
        Ok(Self { address, listening, requests, background: base.background, invoker, sandbox, logs, meter })
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
        if clock::execution_timeout(DRAIN_LIMIT, self.requests.drain()).await.is_err() {
            tracing::warn!("requests were still running when their time for the shutdown was over");
        }
        self.invoker.shut_down(Duration::from_secs(10)).await;
        self.sandbox.shut_down().await;
        self.logs.flush().await;
        self.meter.flush().await;
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
    let store = EmbeddedStore::open(&data_dir.join("store"))
        .map_err(|error| StartError { cause: error.to_string(), remedy: Some("is another server using this --data-dir?") })?;
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
    let virtual_clock =
        options.virtual_clock.then(|| Arc::new(VirtualClock::new(SystemClock.now())));
    let clock: SharedClock = match &virtual_clock {
        Some(clock) => clock.clone(),
        None => Arc::new(SystemClock),
    };
    Ok(Base { store: Arc::new(store), packages, clock, virtual_clock, ids, sessions, background })
}

fn authenticator(options: &Options, sessions: &SessionKeys) -> Authenticator {
    let keys = match &options.authentication {
        Authentication::Off => StaticKeys::default(),
        Authentication::SigV4(keys) => StaticKeys::new(keys.iter().cloned()),
    };
    // Clients sign with their own time, also where the platform's is virtual.
    Authenticator::new(options.mode(), Arc::new(keys), sessions.clone(), Arc::new(SystemClock))
}
