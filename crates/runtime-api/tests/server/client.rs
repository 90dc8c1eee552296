//! A session, and a client that says exactly what it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clock::{Timestamp, execution_timeout};
use ids::{AccountId, IdSource};
use runtime_api::{Event, Initialization, Session, SessionConfig, TelemetryReach};
use tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

pub(crate) struct Server {
    pub(crate) session: Session,
    pub(crate) initialization: Initialization,
    pub(crate) port: u16,
    pub(crate) idle: Arc<Idle>,
}

/// Counts how often the environment became idle.
#[derive(Default)]
pub(crate) struct Idle {
    pub(crate) count: AtomicUsize,
    changed: Notify,
}

impl Idle {
    pub(crate) async fn reached(&self, count: usize) {
        loop {
            let changed = self.changed.notified();
            if self.count.load(Ordering::SeqCst) >= count {
                return;
            }
            execution_timeout(LIMIT, changed).await.expect("the environment becomes idle");
        }
    }
}

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn serve(extensions: &[&str]) -> Server {
    serve_with(extensions, TelemetryReach::Loopback)
}

pub(crate) fn serve_with(extensions: &[&str], telemetry: TelemetryReach) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let idle = Arc::new(Idle::default());
    let told = idle.clone();
    let config = SessionConfig {
        account: AccountId::parse("000000000000").unwrap(),
        function_name: "f".to_owned(),
        function_version: "$LATEST".to_owned(),
        handler: "index.handler".to_owned(),
        extensions: extensions.iter().map(|name| (*name).to_owned()).collect(),
        telemetry,
        ids: Arc::new(IdSource::seeded(1)),
        tasks: Tasks::new(),
        on_idle: Box::new(move || {
            told.count.fetch_add(1, Ordering::SeqCst);
            told.changed.notify_waiters();
        }),
    };
    let (session, initialization) = Session::start(listener, config).unwrap();
    Server { session, initialization, port, idle }
}

pub(crate) fn event(request_id: &str, payload: &str) -> Event {
    Event {
        request_id: request_id.to_owned(),
        deadline: Timestamp::from_millis(1_700_000_000_000),
        invoked_arn: "arn:aws:lambda:r1:000000000000:function:f".to_owned(),
        trace_id: Some("Root=1".to_owned()),
        client_context: Some("{\n\"a\":1}".to_owned()),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        stream: None,
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Status and error type.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["errorType"].as_str().unwrap().to_owned())
    }
}

impl Client {
    pub(crate) async fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends what may be refused half-way.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) {
        let _refused = self.stream.write_all(bytes).await;
    }

    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await;
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &str, body: &str) -> Response {
        self.request("POST", path, headers, body).await
    }

    pub(crate) async fn request(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        let length = body.len();
        let text =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.send(text.as_bytes()).await;
        self.response().await
    }

    pub(crate) async fn next(&mut self) {
        self.get("/2018-06-01/runtime/invocation/next", "").await;
    }

    pub(crate) async fn respond(&mut self, request_id: &str, body: &str) -> Response {
        self.post(&format!("/2018-06-01/runtime/invocation/{request_id}/response"), "", body).await
    }

    pub(crate) async fn response(&mut self) -> Response {
        execution_timeout(LIMIT, self.try_response())
            .await
            .expect("an answer comes")
            .expect("the answer is whole")
    }

    /// `None` when the connection ends first.
    pub(crate) async fn try_response(&mut self) -> Option<Response> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
                let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                let whole = end + 4 + length;
                if self.buffer.len() >= whole {
                    let body = String::from_utf8(self.buffer[end + 4..whole].to_vec()).unwrap();
                    self.buffer.drain(..whole);
                    return Some(Response { status, head, body });
                }
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(size) => self.buffer.extend_from_slice(&chunk[..size]),
            }
        }
    }
}

/// A runtime that has called `next` for the first time.
pub(crate) async fn ready(server: &mut Server) -> Client {
    let mut runtime = Client::connect(server).await;
    runtime.next().await;
    initialized(server).await.unwrap();
    runtime
}

pub(crate) async fn initialized(server: &mut Server) -> Result<(), runtime_api::InitFailure> {
    execution_timeout(LIMIT, server.initialization.finished()).await.expect("the initialization ends")
}
