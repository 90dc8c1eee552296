//! The server's own paths: health, isolation, cost, the clock, traces, and downloads of code.
//!
//! They are no API of AWS's and not signed. From other hosts only health, code downloads (whose links cannot be
//! guessed) and the certificate of notifications are answered; the rest is for the host itself.

mod answer;
mod certificate;
mod clock;
mod cost;
mod events;
mod health;
mod outbox;
mod query;
mod replay;
mod step;
mod story;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use ::clock::{SharedClock, VirtualClock};
use async_trait::async_trait;
use bytes::Bytes;
use cloudwatch::CloudWatch;
use gateway::{Local, Reach};
use http::{Method, Request, StatusCode};
use ids::AccountId;
use lambda::Lambda;
use logs::CloudWatchLogs;
use metering::Meter;
use sandbox::SharedSandbox;
use sns::Sns;
use targets::Agenda;
use trace::Trace;
use wire::Response;

use answer::{failure, json};

/// What the paths show and steer.
#[derive(Debug, Clone)]
pub struct AdminParts {
    /// The services that are served, by their names.
    pub services: Vec<&'static str>,
    /// The account whose bill is shown unless another is named.
    pub account: AccountId,
    /// Platform time.
    pub clock: SharedClock,
    /// The same, when it is virtual.
    pub virtual_clock: Option<Arc<VirtualClock>>,
    /// Everything that keeps durable waits.
    pub agendas: Vec<Arc<dyn Agenda>>,
    /// What happened.
    pub trace: Trace,
    /// What is measured.
    pub cloudwatch: CloudWatch,
    /// What functions printed.
    pub logs: CloudWatchLogs,
    /// Whose e-mails and text messages are kept here.
    pub sns: Sns,
    /// What keeps functions apart.
    pub sandbox: SharedSandbox,
    /// What was consumed.
    pub meter: Arc<Meter>,
    /// Whose code can be downloaded, and whose events can be run again.
    pub lambda: Lambda,
}

/// Answers the server's own paths.
#[derive(Debug, Clone)]
pub struct Admin {
    parts: AdminParts,
}

impl Admin {
    /// Over these parts.
    #[must_use]
    pub fn new(parts: AdminParts) -> Self {
        Self { parts }
    }

    async fn host_only(&self, method: &Method, path: &str, request: &Request<Bytes>) -> Response {
        let parts = &self.parts;
        let query = request.uri().query().unwrap_or_default();
        let path = path.strip_prefix("/_lambent/").unwrap_or_default();
        match (method, path.split_once('/').unwrap_or((path, ""))) {
            (&Method::GET, ("isolation", "")) => json(StatusCode::OK, &parts.sandbox.isolation()),
            (&Method::GET, ("cost", "")) => cost::show(parts, query).await,
            (&Method::GET, ("clock", "")) => {
                clock::show(&*parts.clock, parts.virtual_clock.is_some(), &parts.agendas, query).await
            }
            (&Method::POST, ("clock", "advance")) => {
                let virtual_clock = parts.virtual_clock.as_deref();
                clock::advance(virtual_clock, &parts.agendas, &parts.trace, request.body()).await
            }
            (&Method::GET, ("events", "")) => events::show(&parts.trace, query).await,
            (&Method::GET, ("outbox", "")) => outbox::show(&parts.sns, query).await,
            (&Method::GET, ("metrics", "")) => answer::prometheus(parts.cloudwatch.prometheus().await),
            (&Method::POST, ("replay", "")) => replay::run(&parts.lambda, &parts.trace, request.body()).await,
            (&Method::GET, ("trace", id)) if !id.is_empty() => {
                story::show(&parts.trace, &parts.logs, id).await
            }
            (
                _,
                ("isolation" | "cost" | "clock" | "events" | "metrics" | "outbox" | "replay", "")
                | ("clock", "advance")
                | ("trace", _),
            ) => {
                let path = request.uri().path();
                failure(StatusCode::METHOD_NOT_ALLOWED, &format!("{method} is not what {path} is for"), None)
            }
            _ => failure(
                StatusCode::NOT_FOUND,
                &format!("there is nothing at {}", request.uri().path()),
                Some("docs/reference/admin-api.md lists the paths"),
            ),
        }
    }
}

#[async_trait]
impl Local for Admin {
    async fn answer(&self, request: Request<Bytes>) -> Response {
        let (method, path) = (request.method(), request.uri().path());
        let reach = request.extensions().get::<Reach>().copied().unwrap_or(Reach::Network);
        if let Some(name) = path.strip_prefix(sns::CERTIFICATE_PATH)
            && method == Method::GET
        {
            return certificate::show(&self.parts.sns, name).await;
        }
        if let Some(token) = path.strip_prefix("/_lambent/code/") {
            return match self.parts.lambda.read_code(token).await {
                Some(zip) => answer::zip(zip),
                None => failure(StatusCode::FORBIDDEN, "this link is not valid, or not any more", None),
            };
        }
        match (method, path) {
            (&Method::GET | &Method::HEAD, "/_lambent/health" | "/_localstack/health") => {
                health::show(&self.parts)
            }
            _ if reach == Reach::Network => failure(
                StatusCode::FORBIDDEN,
                "this path is answered on the server's own host only",
                Some("run the command on that host, on a listener of 127.0.0.1"),
            ),
            _ => self.host_only(method, path, &request).await,
        }
    }
}
