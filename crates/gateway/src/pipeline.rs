//! The way of a request, in order.

use std::sync::Arc;

use auth::{AuthError, Authenticator, Defaults, Scope};
use bytes::Bytes;
use clock::Stopwatch;
use http::request::Parts;
use http_body::Body;
use ids::{IdSource, RequestId};
use wire::{Client, Context, Error, Protocol, Service};

use crate::body::{self, ReadError};
use crate::browser::{self, Refused};
use crate::compression::inflate;
use crate::connection::Caller;
use crate::local::is_local;
use crate::refusal::{Dialect, Refusal, auth_error};
use crate::resolve::{Route, Services, dialect};
use crate::{Config, Local, Origin, Reach, Side};

/// What all requests go through.
#[derive(Debug)]
pub(crate) struct Pipeline {
    config: Config,
    services: Services,
    local: Arc<dyn Local>,
    authenticator: Authenticator,
    ids: IdSource,
}

/// What is known of the listener that a request came in by.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) origin: Origin,
    pub(crate) reach: Reach,
}

impl Pipeline {
    pub(crate) fn new(
        config: Config,
        services: Vec<Arc<dyn Service>>,
        local: Arc<dyn Local>,
        authenticator: Authenticator,
        ids: IdSource,
    ) -> Self {
        Self { config, services: Services::new(services), local, authenticator, ids }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The answer to a request, whatever it is.
    pub(crate) async fn answer<B>(
        &self,
        request: http::Request<B>,
        entrance: &Entrance,
        caller: Caller,
    ) -> wire::Response
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let request_id = self.ids.request_id();
        let elapsed = Stopwatch::start();
        let (parts, body) = request.into_parts();
        let reader = browser::reader(&parts, &self.config);
        let mut response = match self.run(request_id, parts, body, entrance, &caller).await {
            Ok(response) => response,
            Err(refusal) => {
                tracing::debug!(%request_id, error = %refusal.error, "refused");
                refusal.answer(request_id)
            }
        };
        if let Some(origin) = reader {
            browser::let_read(&mut response, origin);
        }
        let response = response.map(|body| caller.keep_watching(body));
        tracing::debug!(%request_id, status = response.status().as_u16(), elapsed = ?elapsed.elapsed(), "answered");
        response
    }

    /// The answer when a handler failed beyond repair.
    pub(crate) fn answer_failure(&self) -> wire::Response {
        let dialect = Dialect::Protocol(Protocol::RestJson1);
        Refusal::new(dialect, Error::internal()).answer(self.ids.request_id())
    }

    async fn run<B>(
        &self,
        request_id: RequestId,
        parts: Parts,
        body: B,
        entrance: &Entrance,
        connected: &Caller,
    ) -> Result<wire::Response, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let origin = &entrance.origin;
        // Code in a sandbox has no browser, and may call its endpoint what it likes.
        if origin.side == Side::Host {
            browser::check(&parts, entrance.reach == Reach::Loopback, &self.config)
                .map_err(|why| foreign(why, &parts))?;
            if let Some(response) = browser::answer_preflight(&parts) {
                return Ok(response);
            }
        }
        let body = body::read(body, self.config.body_bytes_max, self.config.body_timeout)
            .await
            .map_err(|why| self.unreadable(why, &parts))?;
        if is_local(parts.uri.path()) && origin.side == Side::Host {
            let mut request = http::Request::from_parts(parts, body);
            request.extensions_mut().insert(entrance.reach);
            return Ok(self.local.answer(request).await);
        }
        let input = inflate(&parts, &body)?;
        let route = self.services.resolve(&parts, &input)?;
        let signing_name = route.service.schema().signing_name;
        let caller = if route.operation.unsigned && Scope::of(&parts).is_none() {
            let Defaults { account, region } = origin.defaults.clone();
            auth::Caller::unverified_root(None, account, region)
        } else {
            self.authenticator
                .authenticate(&parts, &body, Some(signing_name), &origin.defaults)
                .await
                .map_err(|error| unauthenticated(&error, &route))?
        };
        let context = context(request_id, &parts, caller, connected.client.clone());
        Ok(connected.during(dispatch(route, context, parts, input)).await)
    }

    fn unreadable(&self, why: ReadError, parts: &Parts) -> Refusal {
        let error = match why {
            ReadError::TooLarge => return self.too_large(parts),
            ReadError::TimedOut => {
                Error::client("RequestTimeout", 408, "The request's body did not arrive in time.")
            }
            ReadError::Broken => {
                Error::client("IncompleteBody", 400, "The request's body did not arrive whole.")
            }
        };
        Refusal::new(dialect(parts), error)
    }

    /// Names the operation, as AWS does, unless it stands in the body.
    fn too_large(&self, parts: &Parts) -> Refusal {
        let mut message =
            format!("Request must be smaller than {} bytes", self.config.body_bytes_max.saturating_add(1));
        let mut refusal = Refusal::new(dialect(parts), Error::internal());
        if let Ok(route) = self.services.resolve(parts, &[]) {
            message = format!("{message} for the {} operation", route.operation.name);
            refusal.service = Some(route.service.schema());
            refusal.dialect = Dialect::Protocol(route.protocol);
        }
        refusal.error = Error::client("RequestEntityTooLargeException", 413, message);
        refusal
    }
}

fn unauthenticated(error: &AuthError, route: &Route) -> Refusal {
    let dialect = Dialect::Protocol(route.protocol);
    Refusal { service: Some(route.service.schema()), dialect, error: auth_error(error, dialect) }
}

fn foreign(why: Refused, parts: &Parts) -> Refusal {
    let message = match why {
        Refused::UnknownHost => {
            "This server does not go by the name in the Host header. Use its IP address, or configure the name."
        }
        Refused::ForeignOrigin => {
            "This request comes from the web page of another origin. Configure the origin to allow it."
        }
    };
    Refusal::new(dialect(parts), Error::client("AccessDeniedException", 403, message))
}

fn context(request_id: RequestId, parts: &Parts, caller: auth::Caller, client: Client) -> Context {
    let trace_id = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
    Context {
        request_id,
        account: caller.account,
        region: caller.region,
        caller: wire::Caller {
            arn: caller.principal_arn,
            user_id: caller.principal_id,
            access_key_id: caller.access_key,
        },
        endpoint: format!("http://{}", browser::host(parts).unwrap_or("localhost")),
        trace_id: trace_id.map(str::to_owned),
        client,
    }
}

async fn dispatch(route: Route, context: Context, parts: Parts, body: Bytes) -> wire::Response {
    let Route { service, operation, protocol, labels } = route;
    let schema = service.schema();
    let request = wire::Request { service: schema, operation, protocol, parts, labels, body };
    let result = if operation.implemented {
        service.call(&context, &request).await
    } else {
        Err(Error::not_implemented(schema.name, operation.name))
    };
    let request_id = context.request_id;
    match result {
        Ok(reply) => wire::respond(schema, operation, protocol, request_id, reply),
        Err(error) => {
            tracing::debug!(%request_id, service = schema.name, operation = operation.name, %error, "failed");
            wire::respond_error(Some(schema), protocol, request_id, &error)
        }
    }
}

#[cfg(test)]
mod tests;
