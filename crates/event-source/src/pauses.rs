//! Waiting before something is tried again.

use std::future::Future;
use std::time::Duration;

use clock::{Clock, Hold, execution_sleep};

/// Growing pauses.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// For a store that does not answer.
    pub(crate) const fn of_store() -> Self {
        Self::new(Duration::from_millis(20), Duration::from_secs(2))
    }

    /// How long to wait now; longer the next time.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }

    /// It went well.
    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits in execution time.
    pub(crate) async fn pause(&mut self) {
        execution_sleep(self.next()).await;
    }
}

/// Waits in both kinds of time at once: what has been turned away because functions are running is tried again while
/// platform time stands still for them, and what is due when time is turned is done then.
pub(crate) fn wait(clock: &dyn Clock, pause: Duration) -> impl Future<Output = Hold> + Send + '_ {
    // The clock knows of it at once, before the caller lets time go on.
    let due = clock.sleep_until(clock.now() + pause);
    async move {
        tokio::select! {
            hold = due => hold,
            () = execution_sleep(pause) => clock.hold(),
        }
    }
}
