//! Platform time that moves only when told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::hold::Activity;
use crate::{Clock, Hold, Sleep, Timestamp};

/// A clock for tests and fast-forwards: it stands still until [`VirtualClock::advance_to`].
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<State>,
    activity: Arc<Activity>,
    /// One advance at a time.
    advancing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// Waits by due time, then by the order in which they were asked for.
    waits: BTreeMap<(Timestamp, u64), oneshot::Sender<Hold>>,
    next_wait: u64,
}

impl VirtualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State { now, waits: BTreeMap::new(), next_wait: 0 }),
            activity: Arc::default(),
            advancing: tokio::sync::Mutex::default(),
        }
    }

    /// The earliest moment somebody waits for.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let mut state = self.lock();
        state.waits.retain(|_, wake| !wake.is_closed());
        state.waits.keys().next().map(|(due, _)| *due)
    }

    /// Moves time forward to `target`, waking each wait at its own moment and in order, and waiting after each until
    /// what it set off is done. Returns when all is quiet at `target`. Time never moves backwards. Returns how many
    /// waits fired.
    pub async fn advance_to(&self, target: Timestamp) -> usize {
        let _turn = self.advancing.lock().await;
        let mut fired = 0;
        self.quiet().await;
        while self.fire_next(target) {
            fired += 1;
            self.quiet().await;
        }
        {
            let mut state = self.lock();
            state.now = state.now.max(target);
        }
        self.quiet().await;
        fired
    }

    /// Completes when nothing that is due is being done any more.
    pub async fn quiet(&self) {
        self.activity.quiet().await;
        // A task that was woken without a hold gets a turn, so that what it asks for next is seen.
        tokio::task::yield_now().await;
        self.activity.quiet().await;
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
        let _gone = wake.send(self.hold());
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
            return Box::pin(std::future::ready(self.hold()));
        }
        let (wake, woken) = oneshot::channel();
        let order = state.next_wait;
        state.next_wait += 1;
        state.waits.insert((due, order), wake);
        Box::pin(async move {
            // The sender is dropped only with the clock itself: then nobody is left to be woken.
            match woken.await {
                Ok(hold) => hold,
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn hold(&self) -> Hold {
        self.activity.hold()
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

        let (fired, woken_at) = tokio::join!(clock.advance_to(start + Duration::from_secs(90)), async {
            drop(early.await);
            clock.now()
        });
        assert_eq!((fired, woken_at), (1, start + Duration::from_secs(60)));
        assert_eq!(clock.now(), start + Duration::from_secs(90));

        let (fired, ()) = tokio::join!(clock.advance_to(start + Duration::from_secs(120)), async {
            drop(late.await);
        });
        assert_eq!(fired, 1);
    }

    #[tokio::test]
    async fn what_is_already_due_does_not_wait() {
        let clock = VirtualClock::new(Timestamp::from_millis(5));
        drop(clock.sleep_until(Timestamp::from_millis(5)).await);
    }

    #[tokio::test]
    async fn time_waits_for_what_it_set_off() {
        let start = Timestamp::from_millis(0);
        let clock = Arc::new(VirtualClock::new(start));
        let (inner, wait) = (clock.clone(), clock.sleep_until(start + Duration::from_secs(1)));
        let work = async move {
            let hold = wait.await;
            tokio::task::yield_now().await;
            let (seen, retry) = (inner.now(), inner.sleep_until(inner.now() + Duration::from_secs(1)));
            drop(hold);
            drop(retry.await);
            (seen, inner.now())
        };
        let (fired, seen) = tokio::join!(clock.advance_to(start + Duration::from_secs(9)), work);
        assert_eq!(fired, 2);
        assert_eq!(seen, (start + Duration::from_secs(1), start + Duration::from_secs(2)));
    }

    #[tokio::test]
    async fn time_never_moves_backwards() {
        let clock = VirtualClock::new(Timestamp::from_millis(5));
        clock.advance_to(Timestamp::from_millis(1)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(5));
    }
}
