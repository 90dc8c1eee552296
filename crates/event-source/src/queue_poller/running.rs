//! Running the function with a batch, and what follows from how that ended.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use clock::{Hold, Timestamp};
use queue::{Message, Receipt};
use targets::What;

use super::batch::{self, Batch};
use super::{Pool, response};
use crate::figures::Figure;
use crate::pauses::{self, Pauses};
use crate::poller::{CALL_FAILED, FUNCTION_GONE, OK, THROTTLED};
use crate::{Invoked, Ran};

/// What was turned away is tried again after so long.
const TRY_FIRST: Duration = Duration::from_millis(100);
const TRY_LONGEST: Duration = Duration::from_secs(10);
/// A function that is gone is looked for again after so long.
const LOOK_FIRST: Duration = Duration::from_millis(500);
const LOOK_LONGEST: Duration = Duration::from_secs(30);
/// What is said of messages whose function is not run because of a loop.
const RECURSIVE_LOOP: &str = "RecursiveLoop";

impl Pool {
    /// Runs one batch to its end. Virtual time stands still all the while, but for pauses. Also answers whether the
    /// function is done with all of it.
    pub(super) async fn run(&self, batch: Batch, mut hold: Hold) -> (Hold, bool) {
        let hidden_until = batch.hidden_until();
        let (mut payload, mut messages) = batch.finish();
        let mut pauses = Pauses::new(TRY_FIRST, TRY_LONGEST);
        loop {
            let batch = crate::Batch {
                function: self.poller.mapping.function.clone(),
                payload: payload.clone(),
                source: self.poller.mapping.source.clone(),
                trace_headers: trace_headers(&messages),
            };
            match self.poller.functions.invoke(batch).await {
                Invoked::Ran(ran) => {
                    return (hold, self.conclude(*ran, messages, hidden_until).await);
                }
                Invoked::Throttled => {
                    self.poller.report(THROTTLED);
                    self.scale().throttled();
                }
                Invoked::SystemError(why) => self.poller.report(&format!("PROBLEM: {why}")),
                Invoked::LoopStopped { headers } => {
                    messages = self.give_up(messages, &headers).await;
                    if messages.is_empty() {
                        return (hold, false);
                    }
                    payload = batch::event(&messages, &self.origin);
                    continue;
                }
                Invoked::Gone => {
                    self.poller.report(FUNCTION_GONE);
                    self.poller.figures.count(Figure::FailedInvoke, messages.len());
                    drop(hold);
                    return (self.until_function_is_there().await, false);
                }
            }
            // The batch itself is tried again, until its messages go back to the queue (AWS Lambda developer guide,
            // "Handling errors for an SQS event source").
            let (clock, pause) = (&*self.poller.parts().clock, pauses.next());
            if clock.now() + pause >= hidden_until {
                self.poller.figures.count(Figure::FailedInvoke, messages.len());
                return (self.pause(hold, pause).await, false);
            }
            hold = self.pause(hold, pause).await;
            if self.poller.stop.is_told() {
                return (hold, false);
            }
        }
    }

    /// Lets time go on for so long, or until the word to stop.
    async fn pause(&self, hold: Hold, pause: Duration) -> Hold {
        let clock = &*self.poller.parts().clock;
        let waiting = pauses::wait(clock, pause);
        drop(hold);
        tokio::select! {
            hold = waiting => hold,
            () = self.poller.stop.told() => Hold::none(),
        }
    }

    async fn until_function_is_there(&self) -> Hold {
        let mut pauses = Pauses::new(LOOK_FIRST, LOOK_LONGEST);
        loop {
            let hold = self.pause(Hold::none(), pauses.next()).await;
            let found = self.poller.functions.function(&self.poller.mapping.function).await;
            if self.poller.stop.is_told() || matches!(found, Ok(Some(_))) {
                return hold;
            }
        }
    }

    /// The messages of these traces are not run: each goes to the queue's dead-letter queue, if there is one. "Lambda will
    /// stop the next invocation and sends the event to a dead-letter queue or on-failure destination, if configured"
    /// (AWS, "AWS Lambda now detects and stops recursive loops", July 2023). Returns the others.
    async fn give_up(&self, messages: Vec<Message>, headers: &[String]) -> Vec<Message> {
        let is_of_loop =
            |message: &Message| message.trace_header.as_ref().is_some_and(|header| headers.contains(header));
        let (looping, others): (Vec<Message>, Vec<Message>) = messages.into_iter().partition(is_of_loop);
        if looping.is_empty() {
            // Nothing can be said of the rest of the batch either: it comes back.
            return Vec::new();
        }
        let receipts: Vec<Receipt> = looping.into_iter().map(|message| message.receipt).collect();
        if let Err(error) = self.queue.give_up(&receipts, RECURSIVE_LOOP).await {
            tracing::warn!(uuid = self.poller.mapping.uuid, %error, "messages of a loop come back");
        }
        others
    }

    /// Deletes what the function is done with. Whether that is all.
    async fn conclude(&self, ran: Ran, messages: Vec<Message>, hidden_until: Timestamp) -> bool {
        let figures = &self.poller.figures;
        figures.count(Figure::Invoked, messages.len());
        let failures = self.failures(&ran, &messages);
        let failed_items = failures.as_ref().map_or(messages.len(), BTreeSet::len);
        self.tell(ran, &messages, failed_items);
        let Some(failures) = failures else {
            self.scale().failed();
            self.poller.report(CALL_FAILED);
            figures.count(Figure::FailedInvoke, messages.len());
            return false;
        };
        self.scale().succeeded();
        self.poller.report(OK);
        figures.count(Figure::FailedInvoke, failures.len());
        let done = messages.into_iter().filter(|message| !failures.contains(&message.id));
        let receipts: Vec<Receipt> = done.map(|message| message.receipt).collect();
        if !receipts.is_empty() {
            let deleted = self.delete(&receipts, hidden_until).await;
            figures.count(Figure::Deleted, deleted);
        }
        failures.is_empty()
    }

    /// Which messages failed; `None` when all did.
    fn failures(&self, ran: &Ran, messages: &[Message]) -> Option<BTreeSet<String>> {
        if ran.error.is_some() {
            return None;
        }
        if !self.poller.mapping.reports_batch_item_failures {
            return Some(BTreeSet::new());
        }
        let ids: HashSet<&str> = messages.iter().map(|message| &*message.id).collect();
        response::failures(&ran.payload, |id| ids.contains(id))
    }

    /// The story of the messages, and of the invocation.
    fn tell(&self, ran: Ran, messages: &[Message], failed_items: usize) {
        if self.poller.is_untraced() {
            return;
        }
        let Ran { request_id, mut attempted, .. } = ran;
        let function = self.poller.mapping.function.to_string();
        let queue = self.poller.mapping.source.to_string();
        for message in messages {
            let role = "event source mapping".to_owned();
            let what = What::Sent { to: function.clone(), role, id: request_id.clone() };
            self.poller.trace(message.id.clone(), queue.clone(), what);
        }
        attempted.number = 1;
        attempted.failed_items = if attempted.error.is_none() { failed_items } else { 0 };
        self.poller.trace(request_id, function, What::Attempted(attempted));
    }
}

fn trace_headers(messages: &[Message]) -> Vec<String> {
    let headers: BTreeSet<&String> =
        messages.iter().filter_map(|message| message.trace_header.as_ref()).collect();
    headers.into_iter().cloned().collect()
}
