//! The order of a standard queue: by the time since which a message can be received.

use std::collections::HashMap;
use std::time::Duration;

use clock::Timestamp;

use crate::entry::{Entry, Position};
use crate::order::{Order, Page, Part, Which};
use crate::window::{Room, Window};

/// How far ahead a message of a quieter group is looked for.
const LOOK_AHEAD: usize = 64;
/// A group with fewer messages in flight is never noisy.
const NOISY_MIN: usize = 10;
/// A group that has more than one in so many of the messages in flight is noisy.
const NOISY_SHARE: usize = 4;

/// What can be received: the line of fresh messages, and those whose wait has ended.
#[derive(Debug)]
pub(crate) struct Standard {
    line: Window,
    due: Window,
    /// Not to be received yet, nearest first.
    delayed: Window,
    delayed_count: u64,
    /// `due` and `delayed` are divided here.
    now: Timestamp,
    /// How many messages of each group, and of all, are in flight.
    groups: HashMap<u64, usize>,
    locked: usize,
}

impl Standard {
    /// Nothing is in memory but the nearest of the delayed messages; the others follow from `delayed_from` on.
    pub(crate) fn loaded(
        room: Room,
        now: Timestamp,
        delayed: Vec<Entry>,
        delayed_from: Option<Position>,
        delayed_count: u64,
    ) -> Self {
        let mut window = Window::unread(room);
        window.install(delayed, delayed_from);
        Self {
            line: Window::unread(room),
            due: Window::unread(room),
            delayed: window,
            delayed_count,
            ..Self::empty(room, now)
        }
    }

    /// There are no messages.
    pub(crate) fn empty(room: Room, now: Timestamp) -> Self {
        Self {
            line: Window::empty(room),
            due: Window::empty(room),
            delayed: Window::empty(room),
            delayed_count: 0,
            now,
            groups: HashMap::new(),
            locked: 0,
        }
    }

    /// A window that may not have enough is read on first, so that nothing starves in the store.
    fn short(&self, enough: usize) -> Option<Part> {
        [(Part::Line, &self.line), (Part::Due, &self.due)]
            .into_iter()
            .find(|(_, window)| !window.is_complete() && window.len() < enough)
            .map(|(part, _)| part)
    }

    fn pop(&mut self) -> Option<Entry> {
        let window = match (self.line.first(), self.due.first()) {
            (Some(fresh), Some(due)) if due.position() < fresh.position() => &mut self.due,
            (Some(_), _) => &mut self.line,
            (None, _) => &mut self.due,
        };
        let (groups, locked) = (&self.groups, self.locked);
        let is_noisy = |entry: &Entry| {
            let in_flight = groups.get(&entry.group).copied().unwrap_or(0);
            entry.group != 0 && in_flight >= NOISY_MIN && in_flight * NOISY_SHARE > locked
        };
        let mut first = window.first().map(Entry::position)?;
        if window.first().is_some_and(is_noisy) {
            let quieter = window.iter().take(LOOK_AHEAD).find(|entry| !is_noisy(entry));
            first = quieter.map_or(first, Entry::position);
        }
        window.remove(first)
    }

    /// Whether a message that was not received counts as delayed: also if its delay is over, but it is not known yet.
    fn is_delayed(&self, position: Position) -> bool {
        position.0 > self.now || (!self.delayed.is_complete() && position >= self.delayed.from())
    }

    /// A visibility timeout may have been changed since the receipt was given, so its time is but a hint.
    fn remove_due(&mut self, which: &Which) -> Option<Entry> {
        if let Some(entry) = self.due.remove((which.at, which.seq)) {
            return Some(entry);
        }
        let position = self.due.iter().find(|entry| entry.seq == which.seq)?.position();
        self.due.remove(position)
    }
}

impl Order for Standard {
    fn put(&mut self, entry: Entry) {
        if entry.is_in_line() {
            self.line.offer(entry);
        } else if entry.count == 0 && self.is_delayed(entry.position()) {
            self.delayed_count += 1;
            self.delayed.offer(entry);
        } else {
            self.due.offer(entry);
        }
    }

    fn install(&mut self, page: Page, entries: Vec<Entry>, from: Option<Position>) {
        match page.part {
            Part::Line => self.line.install(entries, from),
            Part::Due => self.due.install(entries, from),
            Part::Delayed => {
                let now = self.now;
                let (due, delayed): (Vec<_>, Vec<_>) =
                    entries.into_iter().filter(|entry| entry.count == 0).partition(|entry| entry.at <= now);
                self.delayed_count = self.delayed_count.saturating_sub(due.len() as u64);
                due.into_iter().for_each(|entry| self.due.offer(entry));
                self.delayed.install(delayed, from);
            }
        }
    }

    fn advance(&mut self, now: Timestamp) -> usize {
        self.now = now;
        let mut more = 0;
        while self.delayed.first().is_some_and(|first| first.at <= now) {
            let Some(entry) = self.delayed.pop() else { break };
            self.delayed_count = self.delayed_count.saturating_sub(1);
            self.due.offer(entry);
            more += 1;
        }
        more
    }

    fn wants(&self) -> Option<Part> {
        let is_short = self.delayed.len() == 0 || self.delayed.from().0 <= self.now;
        (!self.delayed.is_complete() && is_short).then_some(Part::Delayed)
    }

    fn page(&self, part: Part) -> Option<Page> {
        let window = match part {
            Part::Line => &self.line,
            Part::Due => &self.due,
            Part::Delayed => &self.delayed,
        };
        (!window.is_complete()).then(|| Page { part, from: window.from() })
    }

    fn take(&mut self, max: usize, cutoff: Timestamp, _one_group: bool) -> Result<Vec<Entry>, Part> {
        if let Some(part) = self.short(max) {
            return Err(part);
        }
        let mut taken = Vec::with_capacity(max.min(self.line.len() + self.due.len()));
        while taken.len() < max {
            let Some(entry) = self.pop() else { break };
            if entry.sent > cutoff || !entry.is_in_line() {
                self.lock(entry.group);
                taken.push(entry);
            }
        }
        match self.short(1) {
            Some(part) if taken.is_empty() => Err(part),
            _ => Ok(taken),
        }
    }

    fn remove(&mut self, which: &Which) -> Option<Entry> {
        let found = self.line.remove((which.sent, which.seq)).or_else(|| self.remove_due(which));
        let entry = match found {
            Some(entry) => entry,
            None if which.is_fresh && self.is_delayed((which.at, which.seq)) => {
                self.delayed_count = self.delayed_count.saturating_sub(1);
                self.delayed.remove((which.at, which.seq))?
            }
            None => return None,
        };
        self.lock(entry.group);
        Some(entry)
    }

    fn lock(&mut self, group: u64) {
        self.locked += 1;
        if group != 0 {
            *self.groups.entry(group).or_default() += 1;
        }
    }

    fn unlock(&mut self, group: u64) {
        self.locked = self.locked.saturating_sub(1);
        if let Some(in_flight) = self.groups.get_mut(&group) {
            *in_flight -= 1;
            if *in_flight == 0 {
                self.groups.remove(&group);
            }
        }
    }

    fn arrives(&mut self, _group: u64, _seq: u64) {}

    fn arrived(&mut self, _group: u64, _seq: u64) {}

    fn has_available(&self) -> bool {
        [&self.line, &self.due].iter().any(|window| window.len() > 0 || !window.is_complete())
    }

    fn next_due(&self) -> Option<Timestamp> {
        let first = self.delayed.first().map(|entry| entry.at);
        let unread = (!self.delayed.is_complete()).then(|| self.delayed.from().0);
        first.into_iter().chain(unread).min()
    }

    fn delayed(&self) -> Option<u64> {
        Some(self.delayed_count)
    }

    fn configure(&mut self, _delay: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(seq: u64, group: u64) -> Entry {
        let at = Timestamp::from_micros(i64::try_from(seq).unwrap());
        Entry::fresh(seq, at, at, group, 0)
    }

    #[test]
    fn a_noisy_group_lets_others_pass() {
        let mut order = Standard::empty(Room::USUAL, Timestamp::from_micros(1_000));
        (1..=40).for_each(|seq| order.put(fresh(seq, 7)));
        order.put(fresh(41, 8));
        order.put(fresh(42, 0));
        let taken = |order: &mut Standard| order.take(1, Timestamp::from_micros(0), false).unwrap()[0].seq;
        assert_eq!((1..=10).map(|_| taken(&mut order)).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        assert_eq!([taken(&mut order), taken(&mut order), taken(&mut order)], [41, 42, 11]);
    }
}
