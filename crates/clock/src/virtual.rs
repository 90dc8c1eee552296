//! Platform time that moves only when told.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::{Clock, Sleep, Timestamp};

/// A clock for tests and fast-forwards: it stands still until [`VirtualClock::advance_to`].
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Waits by due time, then by the order in which they were asked for.
    waits: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    next_wait: u64,
}

impl VirtualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { state: Mutex::new(State { now, waits: BTreeMap::new(), next_wait: 0 }) }
    }

    /// The earliest moment somebody waits for.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let mut state = self.lock();
        state.waits.retain(|_, wake| !wake.is_closed());
        state.waits.keys().next().map(|(due, _)| *due)
    }

    /// Moves time forward to `target`, waking each wait at its own moment and in order. After each wake the
    /// runtime gets a turn, so that what the woken task asks for next is seen. Time never moves backwards.
    /// Returns how many waits fired.
    pub async fn advance_to(&self, target: Timestamp) -> usize {
        let mut fired = 0;
        while self.fire_next(target) {
            fired += 1;
            tokio::task::yield_now().await;
        }
        let mut state = self.lock();
        state.now = state.now.max(target);
        fired
    }

    fn fire_next(&self, target: Timestamp) -> bool {
        let mut state = self.lock();
        let Some(first) = state.waits.first_entry() else { return false };
        let due = first.key().0;
        if due > target {
            return false;
        }
        let wake = first.remove();
        state.now = state.now.max(due);
        // The waiter may have gone away; then there is nobody to tell.
        let _gone = wake.send(());
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep_until(&self, due: Timestamp) -> Sleep {
        let mut state = self.lock();
        if due <= state.now {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        let order = state.next_wait;
        state.next_wait += 1;
        state.waits.insert((due, order), wake);
        Box::pin(async move {
            // The sender is dropped only with the clock itself: then nobody is left to be woken.
            if woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn waits_fire_in_order_of_their_due_time() {
        let start = Timestamp::from_millis(1_000);
        let clock = Arc::new(VirtualClock::new(start));
        let late = clock.sleep_until(start + Duration::from_secs(120));
        let early = clock.sleep_until(start + Duration::from_secs(60));
        assert_eq!(clock.next_due(), Some(start + Duration::from_secs(60)));

        assert_eq!(clock.advance_to(start + Duration::from_secs(90)).await, 1);
        early.await;
        assert_eq!(clock.now(), start + Duration::from_secs(90));

        assert_eq!(clock.advance_to(start + Duration::from_secs(120)).await, 1);
        late.await;
    }

    #[tokio::test]
    async fn what_is_already_due_does_not_wait() {
        let clock = VirtualClock::new(Timestamp::from_millis(5));
        clock.sleep_until(Timestamp::from_millis(5)).await;
    }

    #[tokio::test]
    async fn time_never_moves_backwards() {
        let clock = VirtualClock::new(Timestamp::from_millis(5));
        clock.advance_to(Timestamp::from_millis(1)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(5));
    }
}
