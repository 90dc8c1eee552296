//! Receivers that wait for a message, first come first served.

use std::collections::BTreeMap;

use clock::Hold;
use tokio::sync::oneshot;

/// Those who wait, by the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    next_ticket: u64,
    parked: BTreeMap<u64, oneshot::Sender<Hold>>,
}

impl Waiters {
    /// A place among those who wait. It is kept when one has to wait again.
    pub(crate) const fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Waits. The hold that comes keeps virtual time still.
    pub(crate) fn park(&mut self, ticket: u64) -> oneshot::Receiver<Hold> {
        let (wake, woken) = oneshot::channel();
        self.parked.insert(ticket, wake);
        woken
    }

    /// Waits no longer. Whether nobody had woken it yet.
    pub(crate) fn leave(&mut self, ticket: u64) -> bool {
        self.parked.remove(&ticket).is_some()
    }

    /// Wakes the first one. Whether there was one.
    pub(crate) fn wake(&mut self, hold: &Hold) -> bool {
        while let Some((_, wake)) = self.parked.pop_first() {
            if wake.send(hold.clone()).is_ok() {
                return true;
            }
        }
        false
    }

    /// Wakes all.
    pub(crate) fn wake_all(&mut self, hold: &Hold) {
        while self.wake(hold) {}
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }
}
