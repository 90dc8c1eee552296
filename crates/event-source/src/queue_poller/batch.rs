//! Messages that go to the function together.

use std::collections::VecDeque;

use bytes::Bytes;
use clock::Timestamp;
use queue::Message;

use super::event::{Event, Origin};

/// A message that was received, and until when it is hidden from others.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Message,
    pub(super) until: Timestamp,
}

/// A batch that is being gathered.
#[derive(Debug)]
pub(super) struct Batch {
    event: Event,
    held: Vec<Held>,
    size_max: usize,
    /// It holds as much as an event can.
    is_full: bool,
}

impl Batch {
    pub(super) fn new(size_max: usize) -> Self {
        Self { event: Event::new(), held: Vec::new(), size_max, is_full: false }
    }

    /// Takes messages from the front as long as there is room for them.
    pub(super) fn fill(&mut self, held: &mut VecDeque<Held>, origin: &Origin) {
        while let Some(next) = held.front()
            && !self.is_complete()
        {
            if !self.event.add(&next.message, origin) {
                self.is_full = true;
                return;
            }
            self.held.extend(held.pop_front());
        }
    }

    /// Lets go of messages that others can get by now: it has been gathered for longer than they were hidden.
    pub(super) fn drop_overdue(&mut self, now: Timestamp, origin: &Origin) {
        if self.held.iter().all(|held| held.until > now) {
            return;
        }
        let mut left: VecDeque<Held> =
            std::mem::take(&mut self.held).into_iter().filter(|held| held.until > now).collect();
        *self = Self::new(self.size_max);
        self.fill(&mut left, origin);
    }

    /// How many more it takes.
    pub(super) fn room(&self) -> usize {
        if self.is_full { 0 } else { self.size_max - self.held.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Nobody else gets any of them before.
    pub(super) fn hidden_until(&self) -> Timestamp {
        self.held.iter().map(|held| held.until).min().unwrap_or_default()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.room() == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The event, and its messages.
    pub(super) fn finish(self) -> (Bytes, Vec<Message>) {
        (self.event.finish(), self.held.into_iter().map(|held| held.message).collect())
    }
}

/// The event of messages that had room in one before.
pub(super) fn event(messages: &[Message], origin: &Origin) -> Bytes {
    let mut event = Event::new();
    for message in messages {
        event.add(message, origin);
    }
    event.finish()
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::{message, origin};
    use super::*;

    fn held(body: &str, until: i64) -> Held {
        Held { message: message(body), until: Timestamp::from_millis(until) }
    }

    #[test]
    fn it_takes_as_many_as_it_is_to() {
        let mut waiting: VecDeque<Held> = ["a", "b", "c"].map(|body| held(body, 5)).into();
        let mut batch = Batch::new(2);
        batch.fill(&mut waiting, &origin());
        assert_eq!((batch.len(), batch.is_complete(), waiting.len()), (2, true, 1));
        let (payload, messages) = batch.finish();
        assert_eq!(payload, event(&messages, &origin()));
    }

    #[test]
    fn what_others_can_get_by_now_is_let_go_of() {
        let mut waiting: VecDeque<Held> = [held("a", 5), held("b", 7)].into();
        let mut batch = Batch::new(2);
        batch.fill(&mut waiting, &origin());
        assert_eq!(batch.hidden_until(), Timestamp::from_millis(5));
        batch.drop_overdue(Timestamp::from_millis(4), &origin());
        assert_eq!(batch.len(), 2);
        batch.drop_overdue(Timestamp::from_millis(5), &origin());
        let (payload, messages) = batch.finish();
        assert_eq!(messages.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["b"]);
        assert_eq!(payload, event(&messages, &origin()));
    }
}
