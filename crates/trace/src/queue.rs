//! What waits to be written: bounded, and never waited for by those who record.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use targets::{FailedEvent, Step, What};
use tasks::Tasks;
use tokio::sync::{Notify, oneshot};

/// Payloads of failed events that may wait. More can only come together while the disk does not take any.
const FAILED_BYTES_WAITING_MAX: usize = 64 << 20;
/// Steps of an ordinary batch, and of a transaction, which can hold so many even with their longest texts.
pub(crate) const BATCH_STEPS: usize = 200;

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// How many steps wait, for those who only ask.
    waiting: AtomicUsize,
    waiting_max: usize,
    left_out: AtomicU64,
    work: Notify,
    urgent: Notify,
}

#[derive(Debug, Default)]
struct State {
    steps: VecDeque<Step>,
    failed: VecDeque<FailedEvent>,
    failed_bytes: usize,
    flushes: Vec<oneshot::Sender<()>>,
    /// The writer has ended.
    is_closed: bool,
}

/// What the writer takes at once.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) steps: Vec<Step>,
    pub(crate) failed: Vec<FailedEvent>,
    pub(crate) flushes: Vec<oneshot::Sender<()>>,
}

/// Why the writer is to go to work, or to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Somebody waits for it.
    Urgent,
    /// There is something to write.
    Work,
    End,
}

impl Queue {
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            waiting: AtomicUsize::new(0),
            waiting_max,
            left_out: AtomicU64::new(0),
            work: Notify::new(),
            urgent: Notify::new(),
        }
    }

    /// Whether an ordinary step would be left out. Who asks and hears yes leaves one out, so it is counted.
    pub(crate) fn is_overloaded(&self) -> bool {
        let overloaded = self.waiting.load(Ordering::Relaxed) >= self.waiting_max;
        if overloaded {
            self.leave_out(1);
        }
        overloaded
    }

    /// Whether no step waits.
    pub(crate) fn is_drained(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// Steps that were left out since the start.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    pub(crate) fn leave_out(&self, steps: u64) {
        self.left_out.fetch_add(steps, Ordering::Relaxed);
    }

    pub(crate) fn record(&self, step: Step) {
        let mut state = self.lock();
        let room = if is_failure(&step) { 2 * self.waiting_max } else { self.waiting_max };
        if state.is_closed || state.steps.len() >= room {
            drop(state);
            return self.leave_out(1);
        }
        state.steps.push_back(step);
        self.waiting.store(state.steps.len(), Ordering::Relaxed);
        drop(state);
        self.work.notify_one();
    }

    pub(crate) fn keep(&self, event: FailedEvent) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            tracing::error!(id = event.id, "a failed event came after the end and is not kept");
            return;
        }
        state.failed_bytes += event.payload.len();
        state.failed.push_back(event);
        state.shrink();
        drop(state);
        self.work.notify_one();
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, events: Vec<FailedEvent>) {
        let mut state = self.lock();
        for event in events.into_iter().rev() {
            state.failed_bytes += event.payload.len();
            state.failed.push_front(event);
        }
        state.shrink();
    }

    /// Completes once what waits now is in the store, or could not be written.
    pub(crate) async fn flush(&self) {
        let (flushed, done) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.is_closed {
                return;
            }
            state.flushes.push(flushed);
        }
        self.urgent.notify_one();
        // Once the writer has ended there is nothing to wait for.
        let _ended = done.await;
    }

    /// Completes when somebody waits for the writer.
    pub(crate) async fn urgent(&self) {
        self.urgent.notified().await;
    }

    /// Waits for work. Once the shutdown is announced and there is none, the queue takes nothing any more.
    pub(crate) async fn wait(&self, tasks: &Tasks) -> Wake {
        loop {
            {
                let mut state = self.lock();
                if !state.flushes.is_empty() {
                    return Wake::Urgent;
                }
                if !state.steps.is_empty() || !state.failed.is_empty() {
                    return Wake::Work;
                }
                if tasks.is_shutting_down() {
                    state.is_closed = true;
                    return Wake::End;
                }
            }
            tokio::select! {
                () = self.work.notified() => {}
                () = self.urgent.notified() => {}
                () = tasks.shutting_down() => {}
            }
        }
    }

    /// The next batch: all of it when somebody waits for that.
    pub(crate) fn take(&self) -> Batch {
        let mut state = self.lock();
        let flushes = std::mem::take(&mut state.flushes);
        let count = if flushes.is_empty() { state.steps.len().min(BATCH_STEPS) } else { state.steps.len() };
        let steps = state.steps.drain(..count).collect();
        self.waiting.store(state.steps.len(), Ordering::Relaxed);
        state.failed_bytes = 0;
        let failed = std::mem::take(&mut state.failed).into();
        Batch { steps, failed, flushes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in between can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn shrink(&mut self) {
        while self.failed_bytes > FAILED_BYTES_WAITING_MAX
            && let Some(oldest) = self.failed.pop_front()
        {
            self.failed_bytes -= oldest.payload.len();
            tracing::error!(
                id = oldest.id,
                "a failed event is not kept: the store takes none, and too many wait"
            );
        }
    }
}

/// What somebody will ask for first.
fn is_failure(step: &Step) -> bool {
    match &step.what {
        What::Attempted(attempted) => attempted.error.is_some(),
        What::NotSent { .. } => true,
        What::Ended { condition } => condition != "Success",
        _ => false,
    }
}
