//! How many batches of a queue run at a time.
//!
//! Sources: AWS Lambda developer guide, "Configuring scaling behavior for SQS event source mappings" (from 5 batches, 300
//! more each minute, up to 1,250; maximum concurrency; provisioned pollers with up to 10 invocations each, 1,000 more
//! each minute; FIFO queues: as many as there are active message groups) and "Handling errors for an SQS event source"
//! (errors and throttles lower the concurrency). By how much they lower it is not said: an error by one, a throttle by
//! half. The throughput in bytes of a provisioned poller is not limited here.

use std::time::Duration;

use crate::QueuePolling;

const CONCURRENCY_FIRST: usize = 5;
const CONCURRENCY_MAX: usize = 1_250;
const CONCURRENCY_OF_POLLER: usize = 10;
/// 300 a minute.
const RAMP: Duration = Duration::from_millis(200);
/// 1,000 a minute.
const RAMP_PROVISIONED: Duration = Duration::from_millis(60);

/// Counts workers. Each gathers a batch, runs it, and begins anew; one at a time waits for a message, and the others that
/// find none leave.
#[derive(Debug)]
pub(super) struct Scale {
    /// At most so many workers while there is little to do.
    first: usize,
    /// At most so many at all.
    max: usize,
    /// One more each time all have been busy for so long.
    ramp: Duration,
    is_fifo: bool,
    /// At most so many now.
    limit: usize,
    workers: usize,
    /// Those who wait for a message.
    waiting: usize,
    is_ramping: bool,
}

/// What has to be done when a worker has a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Growth {
    /// So many workers begin.
    pub(super) workers: usize,
    /// And [`Scale::ramp_up`] is called after so long, again and again.
    pub(super) ramp: Option<Duration>,
}

impl Scale {
    pub(super) fn new(polling: &QueuePolling) -> Self {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (mut first, mut max, mut ramp) = (CONCURRENCY_FIRST, CONCURRENCY_MAX, RAMP);
        if let Some(pollers) = polling.provisioned_pollers {
            first = size(pollers.minimum).saturating_mul(CONCURRENCY_OF_POLLER).max(1);
            max = size(pollers.maximum).saturating_mul(CONCURRENCY_OF_POLLER).max(first);
            ramp = RAMP_PROVISIONED;
        }
        if let Some(maximum) = polling.maximum_concurrency {
            max = size(maximum).max(1);
        }
        if polling.fifo && polling.provisioned_pollers.is_none() {
            first = max;
        }
        first = first.min(max);
        let (is_fifo, limit) = (polling.fifo, first);
        Self { first, max, ramp, is_fifo, limit, workers: 0, waiting: 0, is_ramping: false }
    }

    pub(super) const fn workers(&self) -> usize {
        self.workers
    }

    pub(super) const fn joined(&mut self) {
        self.workers += 1;
    }

    pub(super) const fn left(&mut self) {
        self.workers -= 1;
    }

    /// Whether there are too many workers, so that one has to leave.
    pub(super) const fn is_crowded(&self) -> bool {
        self.workers > self.limit
    }

    /// A worker found nothing. Whether it is to wait; else it leaves.
    pub(super) fn waits(&mut self) -> bool {
        let may_wait = self.waiting == 0 && !self.is_crowded();
        if may_wait {
            self.waiting += 1;
        }
        // Whoever finds nothing while others run says that they are enough.
        self.limit = self.limit.min(self.first.max(self.workers));
        may_wait
    }

    /// It waits no longer.
    pub(super) const fn waits_no_longer(&mut self) {
        self.waiting -= 1;
    }

    /// A worker has a batch and is about to run it; `more` of them may be needed for what else is there.
    pub(super) fn dispatched(&mut self, more: usize) -> Growth {
        if self.waiting > 0 {
            return Growth::default();
        }
        let workers = more.min(self.limit.saturating_sub(self.workers));
        let may_ramp = workers == 0 && self.limit < self.max && self.limit >= self.first;
        let ramp = (may_ramp && !std::mem::replace(&mut self.is_ramping, true)).then_some(self.ramp);
        Growth { workers, ramp }
    }

    /// All may have been busy for some time: whether one more begins. Otherwise this is not asked any more.
    pub(super) const fn ramp_up(&mut self) -> bool {
        self.is_ramping = self.waiting == 0
            && self.workers >= self.limit
            && self.limit < self.max
            && self.limit >= self.first;
        if self.is_ramping {
            self.limit += 1;
        }
        self.is_ramping
    }

    /// The function was done with a batch.
    pub(super) fn succeeded(&mut self) {
        if self.limit < self.first {
            self.limit += 1;
        }
    }

    /// The function failed. In FIFO queues that is its group's affair alone.
    pub(super) fn failed(&mut self) {
        if !self.is_fifo {
            self.limit = self.limit.saturating_sub(1).max(1);
        }
    }

    /// There was no concurrency for the function.
    pub(super) fn throttled(&mut self) {
        if !self.is_fifo {
            self.limit = (self.limit.min(self.workers) / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProvisionedPollers;

    fn standard() -> QueuePolling {
        QueuePolling::default()
    }

    /// Workers come as they are asked for, and all are busy.
    fn busy(scale: &mut Scale, ramps: usize) -> usize {
        scale.joined();
        let mut is_ramping = false;
        loop {
            let growth = scale.dispatched(2);
            is_ramping |= growth.ramp.is_some();
            if growth.workers == 0 {
                break;
            }
            (0..growth.workers).for_each(|_| scale.joined());
        }
        for _ in 0..ramps {
            if is_ramping && scale.ramp_up() {
                scale.joined();
            }
        }
        scale.workers()
    }

    #[test]
    fn it_grows_as_documented() {
        let fifo = QueuePolling { fifo: true, ..standard() };
        let limited =
            |polling: &QueuePolling| QueuePolling { maximum_concurrency: Some(7), ..polling.clone() };
        let pollers = Some(ProvisionedPollers { minimum: 2, maximum: 4 });
        let provisioned = QueuePolling { provisioned_pollers: pollers, ..standard() };
        for (polling, ramps, workers) in [
            (standard(), 0, 5),
            (standard(), 300, 305),
            (standard(), 10_000, 1_250),
            (limited(&standard()), 0, 5),
            (limited(&standard()), 300, 7),
            (QueuePolling { maximum_concurrency: Some(2), ..standard() }, 300, 2),
            (fifo.clone(), 0, 1_250),
            (limited(&fifo), 0, 7),
            (provisioned.clone(), 0, 20),
            (provisioned, 1_000, 40),
        ] {
            assert_eq!(busy(&mut Scale::new(&polling), ramps), workers, "{polling:?}");
        }
        assert_eq!(RAMP * 300, Duration::from_secs(60));
        assert_eq!(RAMP_PROVISIONED * 1_000, Duration::from_secs(60));
    }

    #[test]
    fn it_shrinks_to_one_who_waits() {
        let mut scale = Scale::new(&standard());
        assert_eq!(busy(&mut scale, 95), 100);
        let stay = (0..100)
            .filter(|_| {
                scale.waits() || {
                    scale.left();
                    false
                }
            })
            .count();
        assert_eq!((stay, scale.workers()), (1, 1));
        scale.waits_no_longer();
        assert_eq!((scale.limit, scale.dispatched(100).workers), (5, 4));
    }

    #[test]
    fn nobody_begins_while_somebody_waits() {
        let mut scale = Scale::new(&standard());
        (0..2).for_each(|_| scale.joined());
        assert!(scale.waits());
        assert_eq!(scale.dispatched(2), Growth::default());
    }

    #[test]
    fn errors_lower_it_and_successes_raise_it_again() {
        let mut scale = Scale::new(&standard());
        assert_eq!(busy(&mut scale, 3), 8);
        scale.failed();
        assert!(scale.is_crowded());
        (0..20).for_each(|_| scale.failed());
        assert_eq!(scale.limit, 1);
        // Not while it recovers.
        assert_eq!((scale.dispatched(1).ramp, scale.ramp_up()), (None, false));
        (0..20).for_each(|_| scale.succeeded());
        assert_eq!(scale.limit, 5);
        (0..3).for_each(|_| scale.left());
        scale.throttled();
        assert_eq!(scale.limit, 2);

        let mut fifo = Scale::new(&QueuePolling { fifo: true, ..standard() });
        fifo.failed();
        fifo.throttled();
        assert_eq!(fifo.limit, 1_250);
    }
}
