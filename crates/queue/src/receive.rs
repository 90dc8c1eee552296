//! Receiving.

use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;

use clock::{Hold, Stopwatch, execution_timeout};
use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::handing::Handing;
use crate::queue::Queue;
use crate::{Message, Poll, QueueError, Receive};

/// What a look at the head brought.
enum Found {
    Entries(Vec<Entry>),
    Nothing,
    /// Too many messages are in flight.
    OverLimit,
    /// There is nothing yet.
    Wait(oneshot::Receiver<Hold>),
}

/// A place among those who wait. Whoever is woken and goes away wakes the next one.
struct Place<'a> {
    queue: &'a Queue,
    ticket: Option<u64>,
    is_parked: bool,
}

impl Place<'_> {
    fn leave(&mut self) {
        if let (Some(ticket), true) = (self.ticket, std::mem::take(&mut self.is_parked)) {
            self.queue.locked(|head, hold| {
                if !head.waiters.leave(ticket) {
                    head.wake(1, hold);
                }
            });
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Queue {
    /// Receives. With a wait it answers as soon as there is one message.
    ///
    /// # Errors
    /// [`QueueError::OverLimit`] for a standard queue without a wait; when the queue was removed or the store fails.
    pub async fn receive(&self, request: Receive) -> Result<Vec<Message>, QueueError> {
        self.receive_held(request).await.map(|(messages, _)| messages)
    }

    /// [`Queue::receive`] with virtual time standing still until the [`Hold`] is dropped.
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub async fn receive_held(&self, request: Receive) -> Result<(Vec<Message>, Hold), QueueError> {
        if let Some(messages) = self.repeat_attempt(&request).await? {
            return Ok((messages, self.platform().clock.hold()));
        }
        self.receive_in_turn(&request, false, Hold::none(), pending()).await
    }

    /// Receives for a poller in this process: waits until there is a message, or until `until` completes and nothing has
    /// been taken. Not to be dropped before: what was taken already would stay hidden. Virtual time stands still until
    /// `hold` and the [`Hold`] that is answered are dropped; while it waits, it keeps none.
    ///
    /// # Errors
    /// When the queue was removed or the store fails.
    pub async fn poll(
        &self,
        poll: Poll,
        hold: Hold,
        until: impl Future<Output = Hold> + Send,
    ) -> Result<(Vec<Message>, Hold), QueueError> {
        let Poll { max_messages, visibility_timeout, one_group } = poll;
        let request = Receive { max_messages, visibility_timeout, wait: Duration::MAX, attempt_id: None };
        self.receive_in_turn(&request, one_group, hold, until).await
    }

    async fn receive_in_turn(
        &self,
        request: &Receive,
        one_group: bool,
        mut hold: Hold,
        until: impl Future<Output = Hold> + Send,
    ) -> Result<(Vec<Message>, Hold), QueueError> {
        let waited = Stopwatch::start();
        let mut place = Place { queue: self, ticket: None, is_parked: false };
        let mut until = pin!(until);
        loop {
            let left = request.wait.saturating_sub(waited.elapsed());
            match self.find(request, one_group, left, &mut place).await? {
                Found::Entries(entries) => {
                    hold = self.platform().clock.hold();
                    let handing = Handing::new(self, entries, request);
                    let messages = self.see_through(handing.run()).await?;
                    // All may have gone to the dead-letter queue.
                    if !messages.is_empty() {
                        return Ok((messages, hold));
                    }
                }
                Found::Nothing => return Ok((Vec::new(), hold)),
                Found::OverLimit => return Err(QueueError::OverLimit),
                Found::Wait(woken) => {
                    drop(std::mem::take(&mut hold));
                    hold = tokio::select! {
                        biased;
                        woken_by = self.wait(left, woken) => match woken_by {
                            Some(woken_by) => woken_by,
                            None => return Ok((Vec::new(), hold)),
                        },
                        ended_by = &mut until => return Ok((Vec::new(), ended_by)),
                    };
                    place.is_parked = false;
                }
            }
        }
    }

    /// In the order of those who wait, and in real time.
    async fn wait(&self, left: Duration, woken: oneshot::Receiver<Hold>) -> Option<Hold> {
        tokio::select! {
            biased;
            woken = execution_timeout(left, woken) => woken.ok()?.ok(),
            () = self.platform().tasks.shutting_down() => None,
        }
    }

    async fn find(
        &self,
        request: &Receive,
        one_group: bool,
        left: Duration,
        place: &mut Place<'_>,
    ) -> Result<Found, QueueError> {
        self.on_head(|head, _| {
            let room = head.in_flight_max.saturating_sub(head.in_flight_count());
            if room == 0 && request.wait.is_zero() && head.settings.fifo.is_none() {
                return Some(Found::OverLimit);
            }
            let taken = match request.max_messages.min(room) {
                0 => Vec::new(),
                max => head.take(max, one_group)?,
            };
            if !taken.is_empty() {
                return Some(Found::Entries(taken));
            }
            if left.is_zero() {
                return Some(Found::Nothing);
            }
            let ticket = *place.ticket.get_or_insert_with(|| head.waiters.ticket());
            place.is_parked = true;
            Some(Found::Wait(head.waiters.park(ticket)))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
