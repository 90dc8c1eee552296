//! How a function reaches the server it runs on.

use std::fmt::{self, Debug};
use std::net::TcpListener;

use ids::{AccountId, Region};

/// Serving goes on until this is dropped.
pub struct EndpointGuard(Option<Box<dyn Send + Sync>>);

impl EndpointGuard {
    /// Dropping the guard drops `serving`, which must end it.
    #[must_use]
    pub fn new(serving: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(serving)))
    }
}

impl Debug for EndpointGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EndpointGuard").field(&self.0.is_some()).finish()
    }
}

/// Serves Lambent's own API to an environment that has a network of its own. Filled by `server` with the
/// gateway's accept loop.
pub trait ServeEndpoint: Send + Sync + Debug {
    /// Starts to serve `listener`, which is non-blocking and lies inside the environment of a function of
    /// this account and region.
    fn serve(&self, listener: TcpListener, account: &AccountId, region: &Region) -> EndpointGuard;
}

/// Serves nothing: connections are refused once the listener is dropped. For tests, and where functions
/// reach the server over the host's loopback.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEndpoint;

impl ServeEndpoint for NoEndpoint {
    fn serve(&self, _listener: TcpListener, _account: &AccountId, _region: &Region) -> EndpointGuard {
        EndpointGuard(None)
    }
}
