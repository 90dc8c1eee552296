//! One wait for all queues: until the next moment at which something happens in one of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use clock::{Clock, Hold, Timestamp};
use tokio::sync::Notify;

use crate::queue::{Inner, Queue};

/// When which queue wants to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    state: Mutex<State>,
    is_earlier: Notify,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<(Timestamp, u64), Weak<Inner>>,
    next: u64,
    /// Keeps virtual time still until an earlier moment is waited for.
    hold: Option<Hold>,
    /// Nobody waits for anything any more.
    is_over: bool,
}

/// The server ends: time must not wait for it.
struct Running(Arc<Alarm>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_over = true;
        state.hold = None;
    }
}

impl Alarm {
    /// Wakes `queue` at `due`.
    pub(crate) fn set(&self, due: Timestamp, queue: Weak<Inner>, clock: &dyn Clock) {
        let mut state = self.lock();
        if state.is_over {
            return;
        }
        let is_earlier = state.queues.first_key_value().is_none_or(|((first, _), _)| due < *first);
        state.next += 1;
        let number = state.next;
        state.queues.insert((due, number), queue);
        if is_earlier {
            state.hold = Some(clock.hold());
            drop(state);
            self.is_earlier.notify_one();
        }
    }

    /// Runs for ever.
    pub(crate) async fn run(self: Arc<Self>, clock: Arc<dyn Clock>) {
        let _running = Running(self.clone());
        loop {
            let Some(due) = self.first() else {
                self.is_earlier.notified().await;
                continue;
            };
            let wait = clock.sleep_until(due);
            // The wait is known to the clock now.
            self.lock().hold = None;
            let hold = tokio::select! {
                biased;
                hold = wait => hold,
                () = self.is_earlier.notified() => continue,
            };
            for queue in self.take_due(clock.now()) {
                queue.wake_up(&hold).await;
            }
        }
    }

    fn first(&self) -> Option<Timestamp> {
        self.lock().queues.first_key_value().map(|((due, _), _)| *due)
    }

    fn take_due(&self, now: Timestamp) -> Vec<Queue> {
        let mut state = self.lock();
        let later = state.queues.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.queues, later);
        drop(state);
        due.into_values().filter_map(|queue| queue.upgrade().map(Queue::from_inner)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
