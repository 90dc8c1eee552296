//! A running environment and what it is doing.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use clock::Stopwatch;
use runtime_api::Session;
use sandbox::{EnvironmentId, Exit, Process};
use tokio::sync::OnceCell;

use crate::EndpointGuard;
use crate::engine::Engine;
use crate::function::SharedFunction;
use crate::log::EnvironmentLog;

/// One environment that has initialized.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) id: EnvironmentId,
    pub(crate) function: SharedFunction,
    pub(crate) engine: Arc<Engine>,
    pub(crate) session: Arc<Session>,
    pub(crate) log: Arc<EnvironmentLog>,
    pub(crate) process: Box<dyn Process>,
    pub(crate) provisioned: bool,
    pub(crate) pooled: bool,
    /// How long its credentials are good, in real time: clients compare their expiry with their own clock.
    pub(crate) credentials: Lifetime,
    /// How long it took to initialize, until its first invocation has reported it.
    pub(crate) init: Mutex<Option<Duration>>,
    /// How the runtime process ended.
    pub(crate) exit: OnceLock<Exit>,
    pub(crate) use_: Use,
    pub(crate) _endpoint: Option<EndpointGuard>,
}

/// A stretch of real time that ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    began: Stopwatch,
    length: Duration,
}

impl Lifetime {
    /// From now on, for `length`.
    pub(crate) fn of(length: Duration) -> Self {
        Self { began: Stopwatch::start(), length }
    }

    /// Whether it lasts so long from now on.
    pub(crate) fn lasts(&self, needed: Duration) -> bool {
        self.began.elapsed().saturating_add(needed) < self.length
    }
}

/// Who holds an environment.
#[derive(Debug)]
pub(crate) struct Use {
    /// An invocation holds it. Set before the environment is thawed, so that nobody freezes it again.
    busy: AtomicBool,
    /// What the invocation still waits for: its own end (the last log line), and the runtime's next `next`.
    parties: AtomicU8,
    frozen: Mutex<bool>,
    /// How many invocations it has had.
    count: AtomicU64,
    /// It has left the pool.
    pub(crate) retired: AtomicBool,
    /// It has been ended.
    pub(crate) ended: OnceCell<()>,
    /// Since when it has answered and is about to be free; also counted in its version.
    finishing: Mutex<Option<Stopwatch>>,
    finishing_of_version: Arc<AtomicI32>,
}

impl Use {
    pub(crate) fn new(finishing_of_version: Arc<AtomicI32>) -> Self {
        Self {
            busy: AtomicBool::new(false),
            parties: AtomicU8::new(0),
            frozen: Mutex::new(false),
            count: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            ended: OnceCell::new(),
            finishing: Mutex::new(None),
            finishing_of_version,
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }

    /// An invocation takes the environment.
    pub(crate) fn take(&self) {
        self.busy.store(true, Ordering::SeqCst);
        self.parties.store(2, Ordering::SeqCst);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// How many invocations it has had.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Nobody holds it any more.
    pub(crate) fn give_back(&self) {
        self.end_finishing();
        self.busy.store(false, Ordering::SeqCst);
    }

    /// Whether it answered longer ago than `limit` and is still not free.
    pub(crate) fn is_overdue(&self, limit: Duration) -> bool {
        let finishing = self.finishing.lock().unwrap_or_else(PoisonError::into_inner);
        finishing.is_some_and(|since| since.elapsed() > limit)
    }

    fn begin_finishing(&self) {
        *self.finishing.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stopwatch::start());
        self.finishing_of_version.fetch_add(1, Ordering::SeqCst);
    }

    fn end_finishing(&self) {
        if self.finishing.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.finishing_of_version.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Environment {
    /// The function has answered: from now on the environment is about to be free.
    pub(crate) fn answered(&self) {
        self.use_.begin_finishing();
    }

    /// One of the two that hold a busy environment lets go: the invocation, or the runtime.
    pub(crate) fn let_go(self: &Arc<Self>) {
        if self.use_.parties.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.engine.clone().give_back(self);
        }
    }

    /// Stops it from running if it is idle.
    pub(crate) fn freeze(&self) {
        let mut frozen = self.use_.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if !*frozen && !self.use_.is_busy() && !self.use_.retired.load(Ordering::SeqCst) {
            self.process.freeze();
            *frozen = true;
        }
    }

    /// Lets it run.
    pub(crate) fn thaw(&self) {
        let mut frozen = self.use_.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if *frozen {
            self.process.thaw();
            *frozen = false;
        }
    }
}
