//! What every part of the invoker works with.

use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use ids::IdSource;
use sandbox::{Network, SharedSandbox};
use targets::{RecordUsage, VendCredentials, WriteLogs};
use tasks::Tasks;

use crate::ServeEndpoint;
use crate::pool::Pool;

/// What an invoker is made of.
#[derive(Debug, Clone)]
pub struct InvokerParts {
    /// Where functions run.
    pub sandbox: SharedSandbox,
    /// Platform time: log timestamps and the expiry of idle environments.
    pub clock: SharedClock,
    /// Draws the ids of environments.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Where logs go.
    pub logs: Arc<dyn WriteLogs>,
    /// Where usage goes.
    pub usage: Arc<dyn RecordUsage>,
    /// Where the credentials of execution roles come from.
    pub credentials: Arc<dyn VendCredentials>,
    /// What functions reach as the server's own API.
    pub endpoint: Arc<dyn ServeEndpoint>,
    /// What functions may reach besides.
    pub network: Network,
    /// Limits and times.
    pub options: InvokerOptions,
}

/// Limits and times of an invoker.
#[derive(Debug, Clone)]
pub struct InvokerOptions {
    /// The concurrency of each account in each region. AWS: 1,000 by default.
    pub account_concurrency: u32,
    /// How long an environment may be idle before it is ended, in platform time. AWS names no figure.
    pub idle_expiry: Duration,
    /// How long an environment is idle before it is frozen, in real time.
    pub freeze_after: Duration,
    /// The limit of an on-demand initialization. AWS: 10 s.
    pub init_limit: Duration,
    /// How long an invocation waits for an environment that has just answered and is about to be free, rather
    /// than start another: a caller who sends one request after the other shall be served by one environment.
    pub ready_grace: Duration,
}

impl Default for InvokerOptions {
    fn default() -> Self {
        Self {
            account_concurrency: 1_000,
            idle_expiry: Duration::from_secs(600),
            freeze_after: Duration::from_secs(2),
            init_limit: Duration::from_secs(10),
            ready_grace: Duration::from_millis(20),
        }
    }
}

/// The parts and the pool.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) parts: InvokerParts,
    pub(crate) pool: Arc<Pool>,
}

impl Engine {
    pub(crate) fn new(parts: InvokerParts) -> Arc<Self> {
        let pool = Arc::new(Pool::new(parts.options.account_concurrency));
        Arc::new(Self { parts, pool })
    }
}
