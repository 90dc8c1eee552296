//! What the runtime and the extensions of one environment are doing. The names of the states and what may
//! follow on what are those of AWS's runtime interface emulator, since error messages show them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::answer::{Answer, StreamPart};
use crate::session::InitFailure;
use crate::socket::Socket;
use crate::telemetry::Subscription;

/// The runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuntimeState {
    Started,
    InitError,
    Ready,
    Running,
    InvocationResponse,
    InvocationErrorResponse,
    ResponseSent,
}

impl RuntimeState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::InitError => "InitError",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InvocationResponse => "InvocationResponse",
            Self::InvocationErrorResponse => "InvocationErrorResponse",
            Self::ResponseSent => "ResponseSent",
        }
    }
}

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExtensionState {
    Started,
    Registered,
    Ready,
    Running,
    InitError,
    ExitError,
}

impl ExtensionState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Registered => "Registered",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::InitError => "InitError",
            Self::ExitError => "ExitError",
        }
    }
}

/// A connection that waits for an event, and which one it is.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) connection: u64,
    pub(crate) socket: Arc<Socket>,
}

#[derive(Debug)]
pub(crate) struct Extension {
    pub(crate) name: String,
    /// Given on registration.
    pub(crate) id: Option<String>,
    /// Started from `/opt/extensions`, rather than inside the runtime's process.
    pub(crate) external: bool,
    pub(crate) state: ExtensionState,
    pub(crate) wants_invoke: bool,
    pub(crate) wants_shutdown: bool,
    pub(crate) parked: Option<Parked>,
    /// An event it has not fetched yet: a whole HTTP response.
    pub(crate) pending: Option<Bytes>,
}

impl Extension {
    pub(crate) fn new(name: String, external: bool) -> Self {
        Self {
            name,
            id: None,
            external,
            state: ExtensionState::Started,
            wants_invoke: false,
            wants_shutdown: false,
            parked: None,
            pending: None,
        }
    }

    /// Whether nothing waits for it any more.
    fn is_settled(&self) -> bool {
        match self.state {
            ExtensionState::Ready => self.pending.is_none(),
            // Without INVOKE it is never asked again, so what it does meanwhile holds nothing up.
            ExtensionState::Running => !self.wants_invoke,
            _ => false,
        }
    }
}

/// The event that is being worked on.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) request_id: String,
    /// The head of the answer to `/next`; the payload follows it.
    pub(crate) head: Bytes,
    pub(crate) payload: Bytes,
    pub(crate) stream: Option<mpsc::Sender<StreamPart>>,
    pub(crate) answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) runtime: RuntimeState,
    /// Where the runtime waits for its next event.
    pub(crate) parked: Option<Parked>,
    pub(crate) current: Option<Current>,
    /// The id of the event whose invocation is not over: its extensions may still be at work.
    pub(crate) busy: bool,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) initialization: Option<oneshot::Sender<Result<(), InitFailure>>>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) connections: usize,
    /// The runtime process has ended, or the environment is being ended.
    pub(crate) ended: bool,
}

/// What a change of state amounts to, to be acted upon once the lock is released.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    /// Somebody is still at work, or nobody was.
    No,
    /// The initialization is over.
    Initialized,
    /// The invocation is over: the environment can take the next one.
    Idle,
}

impl State {
    pub(crate) fn new(
        extensions: Vec<String>,
        initialization: oneshot::Sender<Result<(), InitFailure>>,
    ) -> Self {
        Self {
            runtime: RuntimeState::Started,
            parked: None,
            current: None,
            busy: false,
            extensions: extensions.into_iter().map(|name| Extension::new(name, true)).collect(),
            initialization: Some(initialization),
            subscriptions: Vec::new(),
            connections: 0,
            ended: false,
        }
    }

    /// To be called after every change: finds out whether everybody has called `next`.
    pub(crate) fn settle(&mut self) -> Settled {
        if self.runtime != RuntimeState::Ready || self.ended {
            return Settled::No;
        }
        if !self.extensions.iter().all(Extension::is_settled) {
            return Settled::No;
        }
        if let Some(initialization) = self.initialization.take() {
            // Nobody waits any more when the environment is being given up.
            let _gone = initialization.send(Ok(()));
            return Settled::Initialized;
        }
        if std::mem::take(&mut self.busy) { Settled::Idle } else { Settled::No }
    }

    /// Ends the initialization in failure; only the first cause counts.
    pub(crate) fn fail_init(&mut self, failure: InitFailure) {
        if let Some(initialization) = self.initialization.take() {
            let _gone = initialization.send(Err(failure));
        }
    }

    /// Registration is open until the initialization is over.
    pub(crate) fn registration_is_open(&self) -> bool {
        self.initialization.is_some()
    }

    /// Forgets what waits on a connection that is gone.
    pub(crate) fn unpark(&mut self, connection: u64) {
        let waits_there =
            |parked: &Option<Parked>| parked.as_ref().is_some_and(|p| p.connection == connection);
        if waits_there(&self.parked) {
            self.parked = None;
        }
        for extension in &mut self.extensions {
            if waits_there(&extension.parked) {
                extension.parked = None;
            }
        }
    }
}
