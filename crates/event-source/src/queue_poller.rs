//! Polls queues: takes messages, drops what no filter wants, runs the function with batches of the others, and deletes what
//! it is done with.
//!
//! Workers (`worker.rs`) do this side by side; `scale.rs` says how many. A message is deleted only after the function
//! has succeeded with it: all others come back by themselves when their visibility timeout ends, and go to the
//! dead-letter queue by the queue's own rule.

mod batch;
mod event;
mod gather;
mod response;
mod running;
mod scale;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::{Hold, execution_sleep};
use queue::Queue;
use tokio::sync::Notify;

use self::event::Origin;
use self::scale::{Growth, Scale};
use crate::pauses::Pauses;
use crate::poller::{Ended, Poller};
use crate::{Polling, QueuePolling};

/// Polls until it is told to stop and the last batches have run.
pub(crate) async fn run(poller: Arc<Poller>, queue: Queue) -> Ended {
    let polling = match &poller.mapping.polling {
        Polling::Queue(polling) => polling.clone(),
        Polling::Stream(_) => QueuePolling::default(),
    };
    let hold = poller.began().await;
    let pool = Arc::new(Pool {
        origin: Origin::new(&poller.mapping.source),
        scale: Mutex::new(Scale::new(&polling)),
        is_fifo: polling.fifo,
        poller,
        queue,
        is_removed: AtomicBool::new(false),
        is_empty: Notify::new(),
    });
    pool.clone().begin(hold);
    let mut pauses = Pauses::new(Duration::from_millis(100), Duration::from_secs(5));
    loop {
        pool.is_empty.notified().await;
        if pool.scale().workers() > 0 {
            continue;
        }
        if pool.poller.stop.is_told() {
            return Ended::Stopped;
        }
        if pool.is_removed.load(Ordering::Acquire) {
            return Ended::Removed;
        }
        // The last one has broken down.
        tokio::select! {
            () = pauses.pause() => {}
            () = pool.poller.stop.told() => {}
        }
        pool.clone().begin(pool.poller.parts().clock.hold());
    }
}

/// What the workers of a mapping share.
struct Pool {
    poller: Arc<Poller>,
    queue: Queue,
    origin: Origin,
    is_fifo: bool,
    scale: Mutex<Scale>,
    /// The queue was deleted.
    is_removed: AtomicBool,
    /// The last worker has left.
    is_empty: Notify,
}

impl Pool {
    fn scale(&self) -> MutexGuard<'_, Scale> {
        self.scale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more worker.
    fn begin(self: Arc<Self>, hold: Hold) {
        self.scale().joined();
        let seat = Seat { pool: self.clone(), is_waiting: false, has_left: false };
        self.poller.parts().tasks.spawn("queue poller", worker::work(self.clone(), seat, hold));
    }

    /// More workers for what else is there, when one has got a batch.
    fn grow(self: &Arc<Self>, more: usize, hold: &Hold) {
        let Growth { workers, ramp } = self.scale().dispatched(more);
        for _ in 0..workers {
            self.clone().begin(hold.clone());
        }
        if let Some(pause) = ramp {
            self.poller.parts().tasks.spawn("queue pollers grow", self.clone().ramp_up(pause));
        }
    }

    /// In execution time: functions that are running are what keeps the workers busy.
    async fn ramp_up(self: Arc<Self>, pause: Duration) {
        loop {
            tokio::select! {
                () = execution_sleep(pause) => {}
                () = self.poller.stop.told() => return,
            }
            if !self.scale().ramp_up() {
                return;
            }
            self.clone().begin(self.poller.parts().clock.hold());
        }
    }
}

/// A worker's place among the others.
struct Seat {
    pool: Arc<Pool>,
    is_waiting: bool,
    has_left: bool,
}

impl Seat {
    /// There is nothing to be taken. Whether the worker is to wait; else it has left.
    fn waits(&mut self) -> bool {
        let mut scale = self.pool.scale();
        self.is_waiting = scale.waits();
        if !self.is_waiting {
            scale.left();
            self.has_left = true;
        }
        self.is_waiting
    }

    fn waits_no_longer(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.pool.scale().waits_no_longer();
        }
    }

    /// Whether the worker is one too many; then it has left.
    fn leaves_if_crowded(&mut self) -> bool {
        let mut scale = self.pool.scale();
        if !self.has_left && scale.is_crowded() {
            scale.left();
            self.has_left = true;
        }
        self.has_left
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.waits_no_longer();
        let mut scale = self.pool.scale();
        if !self.has_left {
            scale.left();
        }
        if scale.workers() == 0 {
            self.pool.is_empty.notify_one();
        }
    }
}
