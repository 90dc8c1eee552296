//! Gathering a batch.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clock::{Hold, Timestamp};
use queue::{Message, Poll, QueueError, Receipt};

use super::batch::{Batch, Held};
use super::{Pool, Seat};
use crate::figures::{Figure, QueueFigure};
use crate::pauses::Pauses;

/// What one receive of the API brings; a larger batch is assembled from several.
const RECEIVE_MAX: usize = 10;
/// Of small messages, more are received at once.
const RECEIVE_SMALL_MAX: usize = 100;
const RECEIVE_BYTES: usize = 1 << 20;
/// "If your batch window plus your function timeout is longer than the queue's visibility timeout, the effective
/// visibility timeout is both of them and 30 seconds" (AWS Lambda developer guide, "Using Lambda with Amazon SQS").
const VISIBILITY_MORE: Duration = Duration::from_secs(30);

/// What a worker has in hand between two batches.
pub(super) struct Gatherer {
    pub(super) seat: Seat,
    /// Received, but there was no room for them in the last event.
    held: VecDeque<Held>,
    pauses: Pauses,
    /// How large the messages were lately.
    message_bytes: usize,
}

impl Gatherer {
    pub(super) const fn new(seat: Seat) -> Self {
        Self { seat, held: VecDeque::new(), pauses: Pauses::of_store(), message_bytes: RECEIVE_BYTES }
    }

    /// Whether nothing is left in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// What is left over of a FIFO queue comes back together with what stands before it in its group.
    pub(super) fn let_go(&mut self) {
        self.held.clear();
    }

    /// The next batch, with virtual time standing still; nothing when the worker is to leave.
    pub(super) async fn gather(&mut self, pool: &Pool, mut hold: Hold) -> Option<(Batch, Hold)> {
        let mapping = &pool.poller.mapping;
        let mut batch = Batch::new(usize::try_from(mapping.batch_size).unwrap_or(1).max(1));
        let mut visibility = pool.visibility().await;
        self.keep_hidden(pool, visibility).await;
        batch.fill(&mut self.held, &pool.origin);
        loop {
            while batch.is_empty() {
                hold = self.receive_first(pool, &batch, visibility, hold).await?;
                let now = pool.visibility().await;
                if now != visibility {
                    // The queue or the function was changed while there was nothing to do.
                    visibility = now;
                    self.keep_hidden(pool, visibility).await;
                }
                batch.fill(&mut self.held, &pool.origin);
            }
            if mapping.batching_window.is_zero() {
                return Some((batch, hold));
            }
            hold = self.wait_for_more(pool, &mut batch, visibility, hold).await;
            let now = pool.poller.parts().clock.now();
            batch.drop_overdue(now, &pool.origin);
            if !batch.is_empty() {
                return Some((batch, hold));
            }
        }
    }

    /// Until the batch is complete or its window is over.
    async fn wait_for_more(
        &mut self,
        pool: &Pool,
        batch: &mut Batch,
        visibility: Option<Duration>,
        mut hold: Hold,
    ) -> Hold {
        let end = pool.poller.parts().clock.now() + pool.poller.mapping.batching_window;
        let _gathers = pool.poller.gathers(end, pool.poller.mapping.uuid.clone());
        while !batch.is_complete() {
            let until = pool.end_of_window(end);
            let poll = Poll { max_messages: self.receive_max(batch), ..pool.poll(visibility) };
            match pool.queue.poll(poll, hold, until).await {
                Ok((messages, ended)) if messages.is_empty() => return ended,
                Ok((messages, taken)) => {
                    hold = taken;
                    self.take(pool, messages, visibility).await;
                    batch.fill(&mut self.held, &pool.origin);
                }
                // What was gathered goes on; the next receive says what is wrong.
                Err(_) => return pool.poller.parts().clock.hold(),
            }
        }
        hold
    }

    /// Waits for messages. Nothing when the worker is to leave.
    async fn receive_first(
        &mut self,
        pool: &Pool,
        batch: &Batch,
        visibility: Option<Duration>,
        hold: Hold,
    ) -> Option<Hold> {
        let poll = Poll { max_messages: self.receive_max(batch), ..pool.poll(visibility) };
        let seat = &mut self.seat;
        // Looked at only when there is nothing to be taken.
        let until = async {
            if seat.waits() {
                pool.poller.stop.told().await;
            }
            Hold::none()
        };
        let polled = pool.queue.poll(poll, hold, until).await;
        self.seat.waits_no_longer();
        match polled {
            Ok((messages, _)) if messages.is_empty() => None,
            Ok((messages, hold)) => {
                self.pauses.reset();
                self.take(pool, messages, visibility).await;
                Some(hold)
            }
            Err(QueueError::Removed) => {
                pool.is_removed.store(true, Ordering::Release);
                None
            }
            Err(error) => {
                tracing::warn!(uuid = pool.poller.mapping.uuid, %error, "a queue cannot be polled");
                tokio::select! {
                    () = self.pauses.pause() => Some(pool.poller.parts().clock.hold()),
                    () = pool.poller.stop.told() => None,
                }
            }
        }
    }

    fn receive_max(&self, batch: &Batch) -> usize {
        batch.room().min((RECEIVE_BYTES / self.message_bytes.max(1)).clamp(RECEIVE_MAX, RECEIVE_SMALL_MAX))
    }

    /// Keeps what a filter wants; deletes the rest.
    async fn take(&mut self, pool: &Pool, messages: Vec<Message>, visibility: Option<Duration>) {
        let figures = &pool.poller.figures;
        figures.count(Figure::Polled, messages.len());
        figures.count_of_queue(QueueFigure::Received, messages.len());
        let bytes: usize = messages.iter().map(|message| message.body.len() + 512).sum();
        self.message_bytes = bytes / messages.len().max(1);
        let until = pool.hidden_until(visibility);
        let filter = &pool.poller.filter;
        let mut unwanted: Vec<Receipt> = Vec::new();
        for message in messages {
            if filter.wants_all() || filter.wants_message(&message.body, || pool.origin.metadata(&message)) {
                self.held.push_back(Held { message, until });
            } else {
                unwanted.push(message.receipt);
            }
        }
        if !filter.wants_all() {
            figures.count(Figure::FilteredOut, unwanted.len());
        }
        if !unwanted.is_empty() {
            // One that cannot be deleted now comes back, and is filtered again.
            pool.delete(&unwanted, until).await;
        }
    }

    /// Before what is left over goes into its batch: the function needs as much time for it as for the first one.
    async fn keep_hidden(&mut self, pool: &Pool, visibility: Option<Duration>) {
        if self.held.is_empty() {
            return;
        }
        let timeout = visibility.unwrap_or_else(|| pool.queue.settings().visibility_timeout);
        let changes: Vec<(Receipt, Duration)> =
            self.held.iter().map(|held| (held.message.receipt.clone(), timeout)).collect();
        let results = pool.queue.change_visibility(&changes).await;
        let until = pool.hidden_until(visibility);
        let held = std::mem::take(&mut self.held);
        if pool.is_fifo && results.iter().any(Result::is_err) {
            return;
        }
        // One that was hidden for too short a time is somebody else's by now.
        let still = held.into_iter().zip(results).filter(|(_, result)| result.is_ok());
        self.held = still.map(|(held, _)| Held { until, ..held }).collect();
    }
}

impl Pool {
    fn poll(&self, visibility_timeout: Option<Duration>) -> Poll {
        Poll { max_messages: RECEIVE_MAX, visibility_timeout, one_group: self.is_fifo }
    }

    /// How long messages have to be hidden, if not as long as the queue says. For a batch that is waited for it is as long
    /// as the queue says now, whatever that is changed to until then.
    async fn visibility(&self) -> Option<Duration> {
        let mapping = &self.poller.mapping;
        if mapping.batching_window.is_zero() {
            return None;
        }
        let function = self.poller.functions.function(&mapping.function).await.ok().flatten();
        // Of one that is not known now, the window still counts: what came back at its very end would be gathered for ever.
        let timeout = function.map_or(VISIBILITY_MORE, |function| function.timeout);
        let needed = mapping.batching_window + timeout;
        let usual = self.queue.settings().visibility_timeout;
        Some(if needed > usual { needed + VISIBILITY_MORE } else { usual })
    }

    fn hidden_until(&self, visibility: Option<Duration>) -> Timestamp {
        let visibility = visibility.unwrap_or_else(|| self.queue.settings().visibility_timeout);
        self.poller.parts().clock.now() + visibility
    }

    fn end_of_window(&self, end: Timestamp) -> impl Future<Output = Hold> + Send + '_ {
        let clock = &self.poller.parts().clock;
        // The clock knows of it at once, before the poll lets time go on.
        let due = clock.sleep_until(end);
        async move {
            tokio::select! {
                hold = due => hold,
                () = self.poller.stop.told() => clock.hold(),
            }
        }
    }

    /// Deletes; a store that fails is asked again as long as nobody else can get the messages. How many are gone.
    pub(super) async fn delete(&self, receipts: &[Receipt], until: Timestamp) -> usize {
        let mut left = receipts.to_vec();
        let mut pauses = Pauses::of_store();
        let mut deleted = 0;
        loop {
            let results = self.queue.delete(&left).await;
            let gone = results.iter().filter(|result| result.is_ok()).count();
            self.poller.figures.count_of_queue(QueueFigure::Deleted, gone);
            deleted += gone;
            let mut failed = results.into_iter().map(|result| matches!(result, Err(QueueError::Store(_))));
            left.retain(|_| failed.next().unwrap_or(false));
            let parts = self.poller.parts();
            if left.is_empty() || parts.clock.now() >= until || parts.tasks.is_shutting_down() {
                return deleted;
            }
            pauses.pause().await;
        }
    }
}
