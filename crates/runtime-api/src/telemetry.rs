//! The Telemetry API. Source: AWS Lambda developer guide, "Lambda Telemetry API reference".
//!
//! Events are delivered by connecting to the extension's own listener. That works only where the host reaches
//! into the environment; where the environment has a network of its own a subscription is refused.

use std::sync::Arc;
use std::time::Duration;

use clock::{Timestamp, execution_timeout};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::answer::{Wire, error_answer, text_answer};
use crate::body::Reader;
use crate::extensions;
use crate::head::Head;
use crate::route::Reply;
use crate::session::Shared;

const SUBSCRIPTION_MAX_BYTES: usize = 64 * 1024;

/// How many events may wait for a slow subscriber before the newest are dropped.
const QUEUE_MAX: usize = 10_000;

/// How long one delivery may take before it is given up.
const DELIVERY_LIMIT: Duration = Duration::from_secs(5);

/// Whether telemetry can be delivered into the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TelemetryReach {
    /// The environment shares the host's loopback.
    Loopback,
    /// The environment has a network of its own, into which nothing connects.
    Unreachable,
}

/// Which stream an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TelemetryKind {
    /// `platform.*`.
    Platform,
    /// What the environment writes. The output of extensions cannot be told from the function's and is
    /// delivered here as well.
    Function,
    /// Accepted in a subscription; see [`TelemetryKind::Function`].
    Extension,
}

/// One event.
#[derive(Debug, Clone)]
pub struct TelemetryEvent {
    /// Which stream it belongs to.
    pub kind: TelemetryKind,
    /// When it happened.
    pub time: Timestamp,
    /// Such as `platform.start` or `function`.
    pub event_type: &'static str,
    /// Its contents.
    pub record: serde_json::Value,
}

/// A subscriber.
#[derive(Debug)]
pub(crate) struct Subscription {
    extension_id: String,
    kinds: Vec<TelemetryKind>,
    events: mpsc::Sender<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    schema_version: Option<String>,
    types: Vec<TelemetryKind>,
    #[serde(default)]
    buffering: Buffering,
    destination: Destination,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Buffering {
    max_items: usize,
    max_bytes: usize,
    timeout_ms: u64,
}

impl Default for Buffering {
    fn default() -> Self {
        Self { max_items: 10_000, max_bytes: 262_144, timeout_ms: 1_000 }
    }
}

#[derive(Debug, Deserialize)]
struct Destination {
    protocol: String,
    #[serde(rename = "URI", alias = "uri")]
    uri: Option<String>,
    port: Option<u16>,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

/// `PUT /2020-08-15/logs`: the Telemetry API took its place in 2022.
pub(crate) fn logs_api() -> Reply {
    Reply::Now(error_answer(403, "Logs.NotSupported", "The Logs API is not supported; use the Telemetry API"))
}

/// `PUT /2022-07-01/telemetry`.
pub(crate) async fn subscribe(shared: &Arc<Shared>, head: &Head, reader: &mut Reader) -> Reply {
    let Ok(body) = reader.whole(SUBSCRIPTION_MAX_BYTES).await else {
        return Reply::Now(invalid("The subscription is truncated or too large"));
    };
    Reply::Now(try_subscribe(shared, head, &body).unwrap_or_else(|refusal| refusal))
}

fn try_subscribe(shared: &Arc<Shared>, head: &Head, body: &[u8]) -> Result<Wire, Wire> {
    let mut state = shared.lock();
    let extension_id = extensions::find(&mut state, head)?.id.clone().unwrap_or_default();
    if !state.registration_is_open() {
        let message = "Telemetry API subscription is closed already";
        return Err(extensions::forbidden("Telemetry.SubscriptionClosed", message));
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| invalid(&error.to_string()))?;
    let address = check(&request)?;
    if shared.config.telemetry == TelemetryReach::Unreachable {
        let message = "Telemetry API is not supported: this environment has a network of its own, into which \
                       nothing can be delivered";
        return Err(extensions::forbidden("Telemetry.NotSupported", message));
    }
    let (events, queue) = mpsc::channel(QUEUE_MAX);
    // A second subscription of the same extension takes the place of its first.
    state.subscriptions.retain(|subscription| subscription.extension_id != extension_id);
    state.subscriptions.push(Subscription { extension_id, kinds: request.types, events });
    drop(state);
    let closing = shared.closing.clone();
    shared.config.tasks.spawn("telemetry", async move {
        closing.run_until_cancelled(deliver(address, request.buffering, queue)).await;
    });
    Ok(text_answer(200, "text/plain", &[], "OK"))
}

fn check(request: &Request) -> Result<Address, Wire> {
    if !matches!(request.schema_version.as_deref(), None | Some("2022-07-01" | "2022-12-13" | "2025-01-29")) {
        return Err(invalid("schemaVersion is not known"));
    }
    let Buffering { max_items, max_bytes, timeout_ms } = request.buffering;
    let ranges = [
        ("types", request.types.len() as u64, 1..=3),
        ("buffering.maxItems", max_items as u64, 1_000..=10_000),
        ("buffering.maxBytes", max_bytes as u64, 262_144..=1_048_576),
        ("buffering.timeoutMs", timeout_ms, 25..=30_000),
    ];
    for (name, value, range) in ranges {
        if !range.contains(&value) {
            return Err(invalid(&format!("{name} must be from {} to {}", range.start(), range.end())));
        }
    }
    if request.types.iter().all(|kind| *kind == TelemetryKind::Extension) {
        return Err(invalid(
            "the output of extensions cannot be told from the function's: subscribe to function",
        ));
    }
    match (request.destination.protocol.as_str(), &request.destination.uri, request.destination.port) {
        ("HTTP", Some(uri), _) => {
            let rest = uri
                .strip_prefix("http://")
                .ok_or_else(|| invalid("destination.URI must begin with http://"))?;
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
            if !matches!(host, "sandbox.localdomain" | "sandbox") {
                return Err(invalid("destination.URI must name sandbox.localdomain"));
            }
            let port = port.parse().map_err(|_| invalid("destination.URI has no valid port"))?;
            if path.bytes().any(|b| b.is_ascii_control() || b == b' ') {
                return Err(invalid("destination.URI has no valid path"));
            }
            Ok(Address::Http { port, path: format!("/{path}") })
        }
        ("TCP", _, Some(port)) => Ok(Address::Tcp { port }),
        _ => Err(invalid("destination must be HTTP with a URI, or TCP with a port")),
    }
}

fn invalid(message: &str) -> Wire {
    error_answer(400, "ValidationError", message)
}

/// Queues an event for its subscribers; one that has fallen too far behind misses it.
pub(crate) fn report(shared: &Shared, event: &TelemetryEvent) {
    let state = shared.lock();
    let mut text = None;
    for subscription in state.subscriptions.iter().filter(|s| s.kinds.contains(&event.kind)) {
        let text = text.get_or_insert_with(|| {
            json!({ "time": event.time.iso8601_millis(), "type": event.event_type, "record": event.record }).to_string()
        });
        if subscription.events.try_send(text.clone()).is_err() {
            tracing::debug!("a telemetry subscriber has fallen behind");
        }
    }
}

/// Collects events into batches and sends each.
async fn deliver(address: Address, buffering: Buffering, mut queue: mpsc::Receiver<String>) {
    let mut tcp = None;
    while let Some(first) = queue.recv().await {
        let mut size_bytes = first.len();
        let mut batch = vec![first];
        // Whatever the batch still lacks has this long to arrive.
        let _filled_up = execution_timeout(Duration::from_millis(buffering.timeout_ms), async {
            while batch.len() < buffering.max_items && size_bytes < buffering.max_bytes {
                let Some(event) = queue.recv().await else { return };
                size_bytes += event.len();
                batch.push(event);
            }
        })
        .await;
        let sent = execution_timeout(DELIVERY_LIMIT, send(&address, &batch, &mut tcp)).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "telemetry could not be delivered"),
            Err(_) => tracing::debug!("telemetry could not be delivered in time"),
        }
    }
}

async fn send(address: &Address, batch: &[String], tcp: &mut Option<TcpStream>) -> std::io::Result<()> {
    match address {
        Address::Http { port, path } => {
            let body = format!("[{}]", batch.join(","));
            let mut stream = TcpStream::connect(("127.0.0.1", *port)).await?;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            // The answer's first bytes say that the batch was taken.
            let mut status = [0; 64];
            let _size = stream.read(&mut status).await?;
            Ok(())
        }
        Address::Tcp { port } => {
            // Newline-delimited, over one connection for as long as it lasts.
            let mut stream = match tcp.take() {
                Some(stream) => stream,
                None => TcpStream::connect(("127.0.0.1", *port)).await?,
            };
            for event in batch {
                stream.write_all(event.as_bytes()).await?;
                stream.write_all(b"\n").await?;
            }
            *tcp = Some(stream);
            Ok(())
        }
    }
}
