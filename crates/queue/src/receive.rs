//! Receiving.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::time::Duration;

use clock::{Hold, Stopwatch, execution_sleep};
use tokio::sync::oneshot;

use crate::entry::Entry;
use crate::given::Given;
use crate::handing::Handing;
use crate::queue::Queue;
use crate::waiters::Wake;
use crate::{Message, Poll, QueueError, Receive};

/// What a look at the head brought.
enum Found {
    Entries(Vec<Entry>),
    Nothing,
    /// Too many messages are in flight.
    OverLimit,
    /// There is nothing yet.
    Wait(oneshot::Receiver<Wake>),
}

/// A place among those who wait. Whoever is woken and goes away wakes the next one.
struct Place<'a> {
    queue: &'a Queue,
    ticket: Option<u64>,
    is_parked: bool,
}

impl Place<'_> {
    /// Waits in the order of those who wait, and in real time.
    async fn wait(
        &mut self,
        left: Duration,
        mut woken: oneshot::Receiver<Wake>,
        until: Pin<&mut impl Future<Output = Hold>>,
    ) -> Wake {
        let ended_by = tokio::select! {
            biased;
            wake = &mut woken => Ok(wake),
            () = execution_sleep(left) => Err(Hold::none()),
            () = self.queue.platform().tasks.shutting_down() => Err(Hold::none()),
            ended_by = until => Err(ended_by),
        };
        let wake = match ended_by {
            Ok(wake) => wake.unwrap_or_else(|_| Wake::End(Hold::none())),
            Err(ended_by) if self.try_leave() => Wake::End(ended_by),
            // What is on its way to it still arrives.
            Err(ended_by) => match woken.await {
                Ok(given @ Wake::Given(_)) => given,
                _ => return Wake::End(ended_by),
            },
        };
        self.is_parked = false;
        wake
    }

    /// Leaves, unless it is woken already, or is about to be.
    fn try_leave(&self) -> bool {
        self.ticket.is_none_or(|ticket| self.queue.locked(|head, _| head.waiters.leave(ticket)))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_parked && !self.try_leave() {
            self.queue.locked(|head, hold| head.wake(1, hold));
        }
    }
}

impl Queue {
    /// Receives. With a wait it answers as soon as there is one message. When it is dropped before it answers, what was
    /// taken already can be received again at once, but was received; unless it has an attempt id, which can be repeated.
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
    /// been taken. Virtual time stands still until `hold` and the [`Hold`] that is answered are dropped; while it waits, it
    /// keeps none. Dropped before it answers it is as [`Queue::receive`].
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
                    let received = self.hand_out(entries, request).await?;
                    // All may have gone to the dead-letter queue.
                    if !received.0.is_empty() {
                        return Ok(received);
                    }
                    hold = received.1;
                }
                Found::Nothing => return Ok((Vec::new(), hold)),
                Found::OverLimit => return Err(QueueError::OverLimit),
                Found::Wait(woken) => {
                    drop(hold);
                    match place.wait(left, woken, until.as_mut()).await {
                        Wake::Look(woken_by) => hold = woken_by,
                        Wake::Given(given) => return Ok(given.take()),
                        Wake::End(ended_by) => return Ok((Vec::new(), ended_by)),
                    }
                }
            }
        }
    }

    async fn hand_out(
        &self,
        entries: Vec<Entry>,
        request: &Receive,
    ) -> Result<(Vec<Message>, Hold), QueueError> {
        let hold = self.platform().clock.hold();
        let back_to = request.attempt_id.is_none().then(|| self.clone());
        let handing = Handing::new(self, entries, request);
        let given = self.see_through(async move { Ok(Given::new(handing.run().await?, hold, back_to)) });
        Ok(given.await?.take())
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
            Some(Found::Wait(head.waiters.park(ticket, request.visibility_timeout)))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
