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
    pub(super) messages: Vec<Message>,
    /// Nobody else gets any of them before.
    pub(super) hidden_until: Timestamp,
    size_max: usize,
    /// It holds as much as an event can.
    is_full: bool,
}

impl Batch {
    pub(super) fn new(size_max: usize) -> Self {
        let hidden_until = Timestamp::from_micros(i64::MAX);
        Self { event: Event::new(), messages: Vec::new(), hidden_until, size_max, is_full: false }
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
            if let Some(Held { message, until }) = held.pop_front() {
                self.messages.push(message);
                self.hidden_until = self.hidden_until.min(until);
            }
        }
    }

    /// How many more it takes.
    pub(super) fn room(&self) -> usize {
        if self.is_full { 0 } else { self.size_max - self.messages.len() }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.room() == 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The event, and its messages.
    pub(super) fn finish(self) -> (Bytes, Vec<Message>) {
        (self.event.finish(), self.messages)
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
