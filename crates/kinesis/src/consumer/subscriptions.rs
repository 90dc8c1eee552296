//! Who is subscribed to which shards. In memory only: a subscription lives as long as its connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Stopwatch;
use stream::ShardId;
use tokio::sync::oneshot;

/// "If you call `SubscribeToShard` again with the same `ConsumerARN` and `ShardId` within 5 seconds of a successful call,
/// you'll get a `ResourceInUseException`. If you call `SubscribeToShard` 5 seconds or more after a successful call, the
/// second call takes over the subscription" (API reference). Seconds of the client's time: real ones.
const ALONE_FOR: Duration = Duration::from_secs(5);

/// A shard and who reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) consumer_arn: String,
    pub(crate) shard: ShardId,
}

/// Why a subscription ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The consumer subscribed again.
    TakenOver,
    /// The consumer goes.
    Deregistered,
    /// The server stops.
    Stopped,
}

/// All subscriptions, and those that began in the last five seconds even if they have ended.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    alone_for: Duration,
    all: Mutex<HashMap<Place, Taken>>,
    stopped: AtomicBool,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self { alone_for: ALONE_FOR, all: Mutex::default(), stopped: AtomicBool::default() }
    }
}

#[derive(Debug)]
struct Taken {
    since: Stopwatch,
    end: oneshot::Sender<Ended>,
}

/// A subscription's place: free again when this is dropped, but for the five seconds.
#[derive(Debug)]
pub(crate) struct Seat(oneshot::Receiver<Ended>);

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Taken>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self, taken: &Taken) -> bool {
        taken.since.elapsed() < self.alone_for
    }

    /// Whether it is too early to subscribe again.
    pub(crate) fn is_taken(&self, place: &Place) -> bool {
        self.lock().get(place).is_some_and(|taken| self.is_fresh(taken))
    }

    /// Takes a place, also from an older subscription; `None` when that is not old enough.
    pub(crate) fn take(&self, place: Place) -> Option<Seat> {
        let mut all = self.lock();
        all.retain(|_, taken| self.is_fresh(taken) || !taken.end.is_closed());
        if all.get(&place).is_some_and(|taken| self.is_fresh(taken)) {
            return None;
        }
        let (end, ended) = oneshot::channel();
        if self.stopped.load(Ordering::Relaxed) {
            return Some(Seat(ended));
        }
        if let Some(older) = all.insert(place, Taken { since: Stopwatch::start(), end }) {
            // It may have ended just now.
            let _was_listening = older.end.send(Ended::TakenOver);
        }
        Some(Seat(ended))
    }

    /// Ends all subscriptions of a consumer.
    pub(crate) fn end(&self, consumer_arn: &str) {
        let mut all = self.lock();
        for (_, taken) in all.extract_if(|place, _| place.consumer_arn == consumer_arn) {
            let _was_listening = taken.end.send(Ended::Deregistered);
        }
    }

    /// Ends all subscriptions, also those to come.
    pub(crate) fn stop(&self) {
        let mut all = self.lock();
        self.stopped.store(true, Ordering::Relaxed);
        all.clear();
    }
}

impl Seat {
    /// Waits until the place is somebody else's. Must not be called again after it completed.
    pub(crate) async fn ended(&mut self) -> Ended {
        (&mut self.0).await.unwrap_or(Ended::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(shard: u32) -> Place {
        Place { consumer_arn: "c".to_owned(), shard: ShardId(shard) }
    }

    fn old_at_once() -> Subscriptions {
        Subscriptions { alone_for: Duration::ZERO, ..Subscriptions::default() }
    }

    #[test]
    fn a_fresh_one_is_alone() {
        let subscriptions = Subscriptions::default();
        let seat = subscriptions.take(place(0));
        assert!(seat.is_some() && subscriptions.is_taken(&place(0)));
        drop(seat);
        assert!(subscriptions.take(place(0)).is_none());
        assert!(subscriptions.take(place(1)).is_some());
    }

    #[tokio::test]
    async fn a_later_one_takes_over() {
        let subscriptions = old_at_once();
        let mut first = subscriptions.take(place(0)).unwrap();
        let mut second = subscriptions.take(place(0)).unwrap();
        assert_eq!(first.ended().await, Ended::TakenOver);
        subscriptions.end("c");
        assert_eq!(second.ended().await, Ended::Deregistered);
    }

    #[tokio::test]
    async fn none_goes_on_when_the_server_stops() {
        let subscriptions = Subscriptions::default();
        let mut before = subscriptions.take(place(0)).unwrap();
        subscriptions.stop();
        let mut after = subscriptions.take(place(0)).unwrap();
        assert_eq!((before.ended().await, after.ended().await), (Ended::Stopped, Ended::Stopped));
    }

    #[test]
    fn those_that_ended_are_forgotten() {
        let subscriptions = old_at_once();
        for shard in 0..10 {
            subscriptions.take(place(shard)).unwrap();
        }
        assert_eq!(subscriptions.lock().len(), 1);
    }
}
