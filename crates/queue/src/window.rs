//! The first messages of an ordered table, as far as they are in memory.

use std::collections::BTreeMap;

use clock::Timestamp;

use crate::entry::{Entry, Position};

/// How much of a queue is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// So many messages a window takes in before it leaves the rest to the store.
    pub(crate) window: usize,
    /// So many rows are read at once.
    pub(crate) page: usize,
    /// So many messages of a FIFO queue are looked through for a group that is not locked.
    pub(crate) line: usize,
}

impl Room {
    /// A queue takes some hundreds of kilobytes at most, or with a FIFO queue whose first groups are all locked some
    /// ten megabytes. 120,000 is AWS's own limit (Amazon SQS developer guide, "FIFO queue quotas").
    pub(crate) const USUAL: Self = Self { window: 4_096, page: 1_024, line: 120_000 };

    /// For tests: `window` messages.
    pub(crate) const fn tight(window: usize) -> Self {
        Self { window, page: window, line: 4 * window }
    }
}

/// The start of a table's rows. The rest stays in the store and is read when it is needed.
#[derive(Debug)]
pub(crate) struct Window {
    entries: BTreeMap<Position, Entry>,
    length: usize,
    /// All rows before this are here, or in somebody's hands.
    from: Position,
    /// All rows are.
    is_complete: bool,
}

impl Window {
    /// Nothing has been read yet.
    pub(crate) const fn unread(room: Room) -> Self {
        let from = (Timestamp::from_micros(i64::MIN), 0);
        Self { entries: BTreeMap::new(), length: room.window, from, is_complete: false }
    }

    /// There are no rows.
    pub(crate) const fn empty(room: Room) -> Self {
        let mut window = Self::unread(room);
        window.is_complete = true;
        window
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Where reading goes on.
    pub(crate) const fn from(&self) -> Position {
        self.from
    }

    /// Takes in a message whose row is in the store, unless it is behind what is here.
    pub(crate) fn offer(&mut self, entry: Entry) {
        let position = entry.position();
        if !self.is_complete && position >= self.from {
            return;
        }
        self.entries.insert(position, entry);
        let length_max = if self.is_complete { self.length } else { 2 * self.length };
        if self.entries.len() > length_max
            && let Some((last, _)) = self.entries.pop_last()
        {
            self.from = last;
            self.is_complete = false;
        }
    }

    /// Takes in what was read, from [`Window::from`] on up to where `from` goes on.
    pub(crate) fn install(&mut self, entries: impl IntoIterator<Item = Entry>, from: Option<Position>) {
        self.entries.extend(entries.into_iter().map(|entry| (entry.position(), entry)));
        match from {
            Some(from) => self.from = from,
            None => self.is_complete = true,
        }
    }

    /// The first message.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.entries.first_key_value().map(|(_, entry)| entry)
    }

    /// The messages in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Takes one out.
    pub(crate) fn remove(&mut self, position: Position) -> Option<Entry> {
        self.entries.remove(&position)
    }

    /// Takes the first one out.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_first().map(|(_, entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64) -> Entry {
        let at = Timestamp::from_micros(at);
        Entry::fresh(1, at, at, 0, 0)
    }

    #[test]
    fn it_stays_bounded_and_leaves_the_rest_to_the_store() {
        let mut window = Window::empty(Room::tight(100));
        let length = 100;
        (0..length + 10).for_each(|at| window.offer(entry(at)));
        assert_eq!((window.len(), window.is_complete()), (100, false));
        assert_eq!(window.from(), entry(length).position());
        // Late, but from before: nobody would read it any more.
        window.offer(entry(-1));
        assert_eq!(window.pop(), Some(entry(-1)));
        (0..10).for_each(|_| assert!(window.pop().is_some()));
        window.install((length..length + 10).map(entry), None);
        assert_eq!((window.len(), window.is_complete()), (100, true));
    }

    #[test]
    fn what_was_not_read_is_not_known() {
        let mut window = Window::unread(Room::USUAL);
        window.offer(entry(5));
        assert_eq!((window.len(), window.is_complete()), (0, false));
    }
}
