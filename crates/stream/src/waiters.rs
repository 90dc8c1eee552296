//! Those who wait for something to happen to a shard or a stream. All hear of it.

use clock::Hold;
use tokio::sync::oneshot;

/// Those who wait: a handful.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<oneshot::Sender<Hold>>);

impl Waiters {
    /// Waits. The hold that comes keeps virtual time still; an error says that there is nothing to wait for any more.
    pub(crate) fn park(&mut self) -> oneshot::Receiver<Hold> {
        let (wake, woken) = oneshot::channel();
        self.0.push(wake);
        woken
    }

    /// Forgets those who wait no longer.
    pub(crate) fn sweep(&mut self) {
        self.0.retain(|wake| !wake.is_closed());
    }

    /// Wakes all.
    pub(crate) fn wake(&mut self, hold: &Hold) {
        for wake in self.0.drain(..) {
            // Whoever has gone away has no use for it.
            let _ = wake.send(hold.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_woken_and_those_who_left_are_forgotten() {
        let mut waiters = Waiters::default();
        let (mut first, second, mut third) = (waiters.park(), waiters.park(), waiters.park());
        drop(second);
        waiters.sweep();
        assert_eq!(waiters.0.len(), 2);
        waiters.wake(&Hold::none());
        assert!(first.try_recv().is_ok() && third.try_recv().is_ok());
        assert!(waiters.0.is_empty());
    }
}
