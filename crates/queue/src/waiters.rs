//! Receivers that wait for a message, first come first served.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Hold;
use tokio::sync::oneshot;

use crate::Message;
use crate::given::Given;
use crate::queue::Queue;

/// What ends a wait.
#[derive(Debug)]
pub(crate) enum Wake {
    /// There may be something. The hold keeps virtual time still.
    Look(Hold),
    /// This was received for it.
    Given(Given),
    /// It has waited long enough.
    End(Hold),
}

#[derive(Debug)]
struct Waiter {
    wake: oneshot::Sender<Wake>,
    visibility_timeout: Option<Duration>,
}

/// Those who wait, by the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    next_ticket: u64,
    parked: BTreeMap<u64, Waiter>,
}

impl Waiters {
    /// A place among those who wait. It is kept when one has to wait again.
    pub(crate) const fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Waits. What it is given stays hidden for so long; `None`: as the queue has it.
    pub(crate) fn park(
        &mut self,
        ticket: u64,
        visibility_timeout: Option<Duration>,
    ) -> oneshot::Receiver<Wake> {
        let (wake, woken) = oneshot::channel();
        self.parked.insert(ticket, Waiter { wake, visibility_timeout });
        woken
    }

    /// Waits no longer. Whether nobody had woken it yet, or is about to.
    pub(crate) fn leave(&mut self, ticket: u64) -> bool {
        self.parked.remove(&ticket).is_some()
    }

    /// Wakes the first one. Whether there was one.
    pub(crate) fn wake(&mut self, hold: &Hold) -> bool {
        while let Some((_, waiter)) = self.parked.pop_first() {
            if waiter.wake.send(Wake::Look(hold.clone())).is_ok() {
                return true;
            }
        }
        false
    }

    /// Wakes all.
    pub(crate) fn wake_all(&mut self, hold: &Hold) {
        while self.wake(hold) {}
    }

    /// Keeps the first one for a message that is on its way.
    pub(crate) fn keep(&mut self, hold: &Hold) -> Option<Kept> {
        let (_, waiter) = self.parked.pop_first()?;
        Some(Kept { waiter: Some(waiter), hold: hold.clone() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }
}

/// A receiver that a message is on its way to. If that does not arrive, it looks for itself.
#[derive(Debug)]
pub(crate) struct Kept {
    waiter: Option<Waiter>,
    hold: Hold,
}

impl Kept {
    /// For how long it has messages hidden; `None`: as the queue has it.
    pub(crate) fn visibility_timeout(&self) -> Option<Duration> {
        self.waiter.as_ref().and_then(|waiter| waiter.visibility_timeout)
    }

    /// The message has arrived.
    pub(crate) fn give(mut self, queue: Queue, message: Message) {
        let given = Given::new(vec![message], std::mem::take(&mut self.hold), Some(queue));
        if let Some(waiter) = self.waiter.take() {
            // If it has gone this comes back.
            let _gone = waiter.wake.send(Wake::Given(given));
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            let _gone = waiter.wake.send(Wake::Look(std::mem::take(&mut self.hold)));
        }
    }
}
