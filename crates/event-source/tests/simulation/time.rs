//! Platform time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Hold, SharedClock, Sleep, Timestamp, VirtualClock, execution_sleep};
use tokio::time::Instant;

/// Either of two.
#[derive(Debug, Clone)]
pub(crate) enum Time {
    /// Moves when told, and stands still while something is being done.
    Virtual(Arc<VirtualClock>),
    /// Runs as the host's clock does, while functions run.
    Running(Arc<RunningClock>),
}

impl Time {
    pub(crate) fn new(is_running: bool, start: Timestamp) -> Self {
        if is_running {
            Self::Running(Arc::new(RunningClock(Mutex::new((start, None)))))
        } else {
            Self::Virtual(Arc::new(VirtualClock::new(start)))
        }
    }

    pub(crate) fn clock(&self) -> SharedClock {
        match self {
            Self::Virtual(clock) => clock.clone(),
            Self::Running(clock) => clock.clone(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// How many waits came to their end meanwhile, if that can be said.
    pub(crate) async fn advance(&self, by: Duration) -> usize {
        match self {
            Self::Virtual(clock) => clock.advance_to(clock.now() + by).await,
            Self::Running(_) => {
                execution_sleep(by).await;
                0
            }
        }
    }

    pub(crate) async fn quiet(&self) {
        match self {
            Self::Virtual(clock) => clock.quiet().await,
            Self::Running(_) => execution_sleep(Duration::from_secs(1)).await,
        }
    }

    /// Between two lives it stands still.
    pub(crate) fn stop(&self) {
        if let Self::Running(clock) = self {
            let now = clock.now();
            *clock.0.lock().unwrap() = (now, None);
        }
    }

    /// Within a runtime.
    pub(crate) fn go_on(&self) {
        if let Self::Running(clock) = self {
            clock.0.lock().unwrap().1 = Some(now_of_the_runtime());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the runtime's paused time is this clock's time")]
fn now_of_the_runtime() -> Instant {
    Instant::now()
}

/// A clock of the runtime's own time, which jumps ahead when there is nothing to do.
#[derive(Debug)]
pub(crate) struct RunningClock(Mutex<(Timestamp, Option<Instant>)>);

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let (start, since) = *self.0.lock().unwrap();
        start + since.map_or(Duration::ZERO, |since| now_of_the_runtime() - since)
    }

    fn sleep_until(&self, due: Timestamp) -> Sleep {
        let left = due.saturating_since(self.now());
        Box::pin(async move {
            if !left.is_zero() {
                // A timer of the runtime never fires early, and is exact to a millisecond.
                execution_sleep(left).await;
            }
            Hold::none()
        })
    }
}
