//! The way of a function in its sandbox to the server it runs on.

use std::net::TcpListener;
use std::sync::OnceLock;

use auth::Defaults;
use gateway::{Gateway, Origin, Side};
use ids::{AccountId, Region};
use invoker::{EndpointGuard, ServeEndpoint};

/// Serves the gateway inside environments. The invoker is built before the gateway, so the gateway comes later;
/// no function runs before it is there.
#[derive(Debug, Default)]
pub(crate) struct InnerEndpoint(OnceLock<Gateway>);

impl InnerEndpoint {
    pub(crate) fn open(&self, gateway: Gateway) {
        let _already_open = self.0.set(gateway);
    }
}

impl ServeEndpoint for InnerEndpoint {
    fn serve(&self, listener: TcpListener, account: &AccountId, region: &Region) -> EndpointGuard {
        let defaults = Defaults { account: account.clone(), region: region.clone() };
        let origin = Origin { defaults, side: Side::Function };
        let served = self.0.get().map(|gateway| gateway.serve(listener, origin));
        match served {
            Some(Ok(listening)) => EndpointGuard::new(listening),
            Some(Err(error)) => {
                tracing::error!(%error, "a function cannot reach the server");
                EndpointGuard::new(())
            }
            None => EndpointGuard::new(()),
        }
    }
}
