//! The engine's handle on what one environment is told and answers.

use std::fmt::{self, Debug};
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clock::{Timestamp, execution_timeout};
use ids::{AccountId, IdSource};
use serde_json::json;
use tasks::Tasks;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, StreamPart, push_header};
use crate::connection;
use crate::extensions;
use crate::state::{Current, RuntimeState, Settled, State};
use crate::telemetry::{self, TelemetryEvent, TelemetryReach};

/// How long a dead runtime's last words may take to come out of its sockets.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What a session needs to know about its function.
pub struct SessionConfig {
    /// Told to extensions that ask for it.
    pub account: AccountId,
    /// Told to extensions.
    pub function_name: String,
    /// Told to extensions: `$LATEST` or a number.
    pub function_version: String,
    /// Told to extensions.
    pub handler: String,
    /// The external extensions that were started; the initialization waits for each of them.
    pub extensions: Vec<String>,
    /// Whether telemetry can be delivered into the environment.
    pub telemetry: TelemetryReach,
    /// Draws the ids of extensions and of their events.
    pub ids: Arc<IdSource>,
    /// Where connections are served.
    pub tasks: Tasks,
    /// Called whenever an invocation is over: the runtime and every extension have called `next` again.
    pub on_idle: Box<dyn Fn() + Send + Sync>,
}

impl Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig").field("function_name", &self.function_name).finish_non_exhaustive()
    }
}

/// An event for the function.
#[derive(Debug)]
pub struct Event {
    /// The id of its request.
    pub request_id: String,
    /// When the function's time is up, on the function's own (real) clock.
    pub deadline: Timestamp,
    /// As the caller addressed it.
    pub invoked_arn: String,
    /// The `X-Amzn-Trace-Id`.
    pub trace_id: Option<String>,
    /// A JSON document.
    pub client_context: Option<String>,
    /// The event itself.
    pub payload: Bytes,
    /// Where a streamed response goes; without it, a streamed response is collected.
    pub stream: Option<mpsc::Sender<StreamPart>>,
}

/// The environment cannot take an event: it has not initialized, is at work, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotReady;

/// Why an initialization failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InitFailure {
    /// The runtime said so through `/init/error`.
    Reported {
        /// The `Lambda-Runtime-Function-Error-Type`, filtered.
        error_type: String,
        /// The error document as the runtime sent it.
        body: Bytes,
    },
    /// An extension said so: `Extension.InitError` or `Extension.ExitError`, and its own type.
    Extension {
        /// The platform's word for it.
        error_type: &'static str,
        /// The extension's word for it.
        reported_type: String,
    },
    /// The runtime ended first.
    Gone,
}

/// Completes when the runtime and all extensions have called `next`, or one of them has failed.
#[derive(Debug)]
pub struct Initialization(oneshot::Receiver<Result<(), InitFailure>>);

impl Initialization {
    /// Waits for the end of the initialization. Cancel-safe.
    ///
    /// # Errors
    /// [`InitFailure`] when it failed.
    pub async fn finished(&mut self) -> Result<(), InitFailure> {
        (&mut self.0).await.unwrap_or(Err(InitFailure::Gone))
    }
}

/// Why an environment is shut down, in the words of the SHUTDOWN event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownReason {
    /// It is no longer wanted.
    Spindown,
    /// An invocation timed out.
    Timeout,
    /// It failed.
    Failure,
}

impl ShutdownReason {
    fn name(self) -> &'static str {
        match self {
            Self::Spindown => "SPINDOWN",
            Self::Timeout => "TIMEOUT",
            Self::Failure => "FAILURE",
        }
    }
}

/// Everything the connections of one environment share.
pub(crate) struct Shared {
    pub(crate) config: SessionConfig,
    state: Mutex<State>,
    pub(crate) closing: CancellationToken,
    /// Told when the last connection is gone.
    pub(crate) vacant: Notify,
}

impl Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acts on what a change of state amounted to. The lock must not be held.
    pub(crate) fn settled(&self, settled: Settled) {
        if settled == Settled::Idle {
            (self.config.on_idle)();
        }
    }
}

/// Serves the APIs to one environment.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// Starts to serve on `listener`.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn start(listener: TcpListener, mut config: SessionConfig) -> io::Result<(Self, Initialization)> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (initialized, initialization) = oneshot::channel();
        let state = State::new(std::mem::take(&mut config.extensions), initialized);
        let shared = Arc::new(Shared {
            config,
            state: Mutex::new(state),
            closing: CancellationToken::new(),
            vacant: Notify::new(),
        });
        let serving = shared.clone();
        shared.config.tasks.spawn("runtime-api", async move {
            serving.closing.run_until_cancelled(connection::accept(&serving, listener)).await;
        });
        Ok((Self { shared }, Initialization(initialization)))
    }

    /// Hands an event to the runtime and to the extensions that want to know of it, without waiting. What the
    /// runtime answers comes out of the receiver; when that closes, the environment has ended.
    ///
    /// # Errors
    /// [`NotReady`] when the environment is not idle.
    pub fn invoke(&self, event: Event) -> Result<oneshot::Receiver<Answer>, NotReady> {
        let (answer, answered) = oneshot::channel();
        let head = Bytes::from(event_head(&event));
        let mut state = self.shared.lock();
        if state.runtime != RuntimeState::Ready || state.busy || state.ended || state.initialization.is_some()
        {
            return Err(NotReady);
        }
        state.busy = true;
        state.runtime = RuntimeState::Running;
        if !state.extensions.is_empty() {
            extensions::announce(&self.shared, &mut state, &event);
        }
        let parked = state.parked.take();
        let payload = event.payload.clone();
        state.current = Some(Current {
            request_id: event.request_id,
            head: head.clone(),
            payload: event.payload,
            stream: event.stream,
            answer,
        });
        drop(state);
        if let Some(parked) = parked {
            parked.socket.send(&self.shared.config.tasks, head, payload);
        }
        Ok(answered)
    }

    /// Tells the session that the runtime process has ended. What it still had to say is heard first.
    pub async fn runtime_ended(&self) {
        let vacant = self.shared.vacant.notified();
        if self.shared.lock().connections > 0 {
            let _too_long = execution_timeout(LAST_WORDS, vacant).await;
        }
        let mut state = self.shared.lock();
        state.ended = true;
        state.fail_init(InitFailure::Gone);
        if let Some(current) = state.current.take() {
            let _nobody_waits = current.answer.send(Answer::Gone);
        }
    }

    /// Whether an external extension wants to hear of the shutdown: it is then given time for it.
    #[must_use]
    pub fn has_external_extensions(&self) -> bool {
        self.shared.lock().extensions.iter().any(|extension| extension.external && extension.id.is_some())
    }

    /// Whether any extension has registered.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        self.shared.lock().extensions.iter().any(|extension| extension.id.is_some())
    }

    /// Sends SHUTDOWN to the extensions that asked for it. After this no event is taken any more.
    pub fn shut_down(&self, reason: ShutdownReason, deadline: Timestamp) {
        let body = json!({
            "eventType": "SHUTDOWN",
            "shutdownReason": reason.name(),
            "deadlineMs": deadline.as_millis(),
        });
        let mut state = self.shared.lock();
        state.ended = true;
        extensions::send_shutdown(&self.shared, &mut state, &body);
    }

    /// Hands a telemetry event to the extensions that subscribed to its kind.
    pub fn report(&self, event: &TelemetryEvent) {
        telemetry::report(&self.shared, event);
    }

    /// Whether anybody subscribed to telemetry; without it no event need be made.
    #[must_use]
    pub fn has_telemetry(&self) -> bool {
        !self.shared.lock().subscriptions.is_empty()
    }

    /// Ends every connection and the listener. To be called once the environment is gone.
    pub fn close(&self) {
        let mut state = self.shared.lock();
        state.ended = true;
        state.parked = None;
        state.current = None;
        state.fail_init(InitFailure::Gone);
        state.subscriptions.clear();
        for extension in &mut state.extensions {
            extension.parked = None;
        }
        drop(state);
        self.shared.closing.cancel();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

/// The head of the answer to `/next`. Source: the runtime interface emulator's `rendering`.
fn event_head(event: &Event) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
    push_header(&mut head, "Lambda-Runtime-Aws-Request-Id", &event.request_id);
    push_header(&mut head, "Lambda-Runtime-Deadline-Ms", &event.deadline.as_millis().to_string());
    push_header(&mut head, "Lambda-Runtime-Invoked-Function-Arn", &event.invoked_arn);
    if let Some(trace_id) = event.trace_id.as_deref().filter(|text| !text.is_empty()) {
        push_header(&mut head, "Lambda-Runtime-Trace-Id", trace_id);
    }
    if let Some(context) = event.client_context.as_deref().filter(|text| !text.is_empty()) {
        push_header(&mut head, "Lambda-Runtime-Client-Context", context);
    }
    push_header(&mut head, "Content-Length", &event.payload.len().to_string());
    head.extend_from_slice(b"\r\n");
    head
}
