//! The one HTTP listener: every API, the admin paths and (later) the data plane come in here.
//!
//! [`Gateway::serve`] takes a listening socket and answers what arrives on it, in the order of `pipeline.rs`. It
//! knows services only as [`wire::Service`]; what a request means is theirs.

mod body;
mod browser;
mod compression;
mod config;
mod connection;
mod local;
mod pipeline;
mod refusal;
mod resolve;
#[cfg(test)]
mod testing;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use auth::Authenticator;
use ids::IdSource;
use tasks::Tasks;
use wire::Service;

pub use config::{Config, Origin, Reach, Side};
pub use connection::Listening;
pub use local::{LOCAL_PREFIXES, Local};

use pipeline::Pipeline;

/// Serves requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    pipeline: Arc<Pipeline>,
    tasks: Tasks,
}

impl Gateway {
    /// A gateway to `services` and to the server's own paths. Its connections and requests run in `tasks`: once
    /// their end is announced, nothing new is accepted and what is running is finished.
    #[must_use]
    pub fn new(
        config: Config,
        services: Vec<Arc<dyn Service>>,
        local: Arc<dyn Local>,
        authenticator: Authenticator,
        ids: IdSource,
        tasks: Tasks,
    ) -> Self {
        let pipeline = Pipeline::new(config, services, local, authenticator, ids);
        Self { pipeline: Arc::new(pipeline), tasks }
    }

    /// Answers what arrives on `listener`, until the [`Listening`] is dropped or the tasks end.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn serve(&self, listener: TcpListener, origin: Origin) -> io::Result<Listening> {
        connection::listen(Arc::clone(&self.pipeline), self.tasks.clone(), listener, origin)
    }
}

/// From where a listener at `address` can be reached.
fn reach(address: SocketAddr) -> Reach {
    if address.ip().to_canonical().is_loopback() { Reach::Loopback } else { Reach::Network }
}
