//! The order of a FIFO queue: by number within each group, one receiver at a time for each.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use clock::Timestamp;

use crate::entry::{Entry, Position};
use crate::order::{Order, Page, Part, Which};
use crate::window::Room;

/// The groups that have messages in memory, or in somebody's hands.
#[derive(Debug)]
pub(crate) struct Fifo {
    groups: HashMap<u64, Group>,
    /// Groups that can be received from, by the number of their first message.
    ready: BTreeSet<(u64, u64)>,
    /// Groups whose first message is delayed, by the end of the delay.
    delayed: BTreeSet<(Timestamp, u64)>,
    /// The line before this is in memory; all of it when `is_complete`.
    from: Position,
    is_complete: bool,
    /// The last message of the line in memory.
    last: Position,
    /// How many of the line are in memory.
    in_line: usize,
    line_max: usize,
    delay: Duration,
    now: Timestamp,
}

#[derive(Debug, Default)]
struct Group {
    /// Messages that nobody has.
    messages: BTreeMap<u64, Entry>,
    /// How many somebody has.
    locks: usize,
    /// Messages that are being sent: later ones wait for them.
    arriving: BTreeSet<u64>,
    place: Place,
}

/// Where a group is listed.
#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Nowhere,
    Ready(u64),
    Delayed(Timestamp),
}

impl Group {
    fn is_unused(&self) -> bool {
        self.messages.is_empty() && self.locks == 0 && self.arriving.is_empty()
    }

    /// The first message, unless one that stands before it is still being sent.
    fn first(&self) -> Option<&Entry> {
        let (seq, first) = self.messages.first_key_value()?;
        self.arriving.first().is_none_or(|arriving| arriving > seq).then_some(first)
    }
}

impl Fifo {
    /// There are no messages. The delay of a FIFO queue holds for messages that were sent before it was set, too
    /// (Amazon SQS developer guide, "Delay queues").
    pub(crate) fn empty(room: Room, now: Timestamp, delay: Duration) -> Self {
        Self {
            groups: HashMap::new(),
            ready: BTreeSet::new(),
            delayed: BTreeSet::new(),
            from: (Timestamp::from_micros(i64::MIN), 0),
            is_complete: true,
            last: (Timestamp::from_micros(i64::MIN), 0),
            in_line: 0,
            line_max: room.line,
            delay,
            now,
        }
    }

    /// Nothing is in memory.
    pub(crate) fn unread(room: Room, now: Timestamp, delay: Duration) -> Self {
        Self { is_complete: false, ..Self::empty(room, now, delay) }
    }

    fn may_read(&self) -> bool {
        !self.is_complete && self.in_line < self.line_max
    }

    fn available_at(&self, entry: &Entry) -> Timestamp {
        if entry.count == 0 { entry.sent + self.delay } else { entry.at }
    }

    fn insert(&mut self, entry: Entry) {
        let group = self.groups.entry(entry.group).or_default();
        if group.messages.insert(entry.seq, entry).is_none() && entry.count == 0 {
            self.in_line += 1;
            self.last = self.last.max(entry.position());
        }
    }

    /// Lists a group anew after a change.
    fn place(&mut self, key: u64) {
        let Slot::Occupied(mut slot) = self.groups.entry(key) else { return };
        match std::mem::take(&mut slot.get_mut().place) {
            Place::Ready(seq) => drop(self.ready.remove(&(seq, key))),
            Place::Delayed(at) => drop(self.delayed.remove(&(at, key))),
            Place::Nowhere => {}
        }
        if slot.get().is_unused() {
            slot.remove();
            return;
        }
        let group = slot.get();
        let Some(first) = group.first().filter(|_| group.locks == 0) else { return };
        let (seq, at) = (first.seq, if first.count == 0 { first.sent + self.delay } else { first.at });
        // A queue without a delay does not depend on what the clock said before.
        slot.get_mut().place = if at > self.now && !self.delay.is_zero() {
            self.delayed.insert((at, key));
            Place::Delayed(at)
        } else {
            self.ready.insert((seq, key));
            Place::Ready(seq)
        };
    }

    /// Takes from one group as many as can be had, in order.
    fn take_from(&mut self, key: u64, max: usize, cutoff: Timestamp, taken: &mut Vec<Entry>) {
        while taken.len() < max {
            let Some(first) = self.groups.get(&key).and_then(Group::first).copied() else { break };
            if !self.delay.is_zero() && self.available_at(&first) > self.now {
                break;
            }
            let Some(group) = self.groups.get_mut(&key) else { break };
            group.messages.remove(&first.seq);
            self.in_line -= usize::from(first.count == 0);
            if first.sent > cutoff || first.count > 0 {
                group.locks += 1;
                taken.push(first);
            }
        }
        self.place(key);
    }
}

impl Order for Fifo {
    fn put(&mut self, entry: Entry) {
        let is_of_the_line = entry.count == 0;
        if is_of_the_line && !self.is_complete && entry.position() >= self.from {
            return;
        }
        if is_of_the_line && self.is_complete && self.in_line >= self.line_max && entry.position() > self.last
        {
            self.from = entry.position();
            self.is_complete = false;
            return;
        }
        self.insert(entry);
        self.place(entry.group);
    }

    fn install(&mut self, _page: Page, entries: Vec<Entry>, from: Option<Position>) {
        for entry in entries {
            self.insert(entry);
            self.place(entry.group);
        }
        match from {
            Some(from) => self.from = from,
            None => self.is_complete = true,
        }
    }

    fn advance(&mut self, now: Timestamp) -> usize {
        self.now = now;
        let before = self.ready.len();
        while let Some(&(at, key)) = self.delayed.first()
            && at <= now
        {
            self.place(key);
        }
        self.ready.len() - before
    }

    fn wants(&self) -> Option<Part> {
        None
    }

    fn page(&self, part: Part) -> Option<Page> {
        self.may_read().then_some(Page { part, from: self.from })
    }

    fn take(&mut self, max: usize, cutoff: Timestamp, one_group: bool) -> Result<Vec<Entry>, Part> {
        if (self.ready.is_empty() || self.in_line < max) && self.may_read() {
            return Err(Part::Line);
        }
        let mut taken = Vec::new();
        while taken.len() < max
            && (taken.is_empty() || !one_group)
            && let Some(&(_, key)) = self.ready.first()
        {
            self.take_from(key, max, cutoff, &mut taken);
        }
        if taken.is_empty() && self.may_read() { Err(Part::Line) } else { Ok(taken) }
    }

    fn remove(&mut self, which: &Which) -> Option<Entry> {
        let group = self.groups.get_mut(&which.group)?;
        let entry = group.messages.remove(&which.seq)?;
        group.locks += 1;
        self.in_line -= usize::from(entry.count == 0);
        self.place(which.group);
        Some(entry)
    }

    fn lock(&mut self, group: u64) {
        self.groups.entry(group).or_default().locks += 1;
        self.place(group);
    }

    fn unlock(&mut self, group: u64) {
        if let Some(locked) = self.groups.get_mut(&group) {
            locked.locks = locked.locks.saturating_sub(1);
            self.place(group);
        }
    }

    fn arrives(&mut self, group: u64, seq: u64) {
        self.groups.entry(group).or_default().arriving.insert(seq);
        self.place(group);
    }

    fn arrived(&mut self, group: u64, seq: u64) {
        if let Some(waiting) = self.groups.get_mut(&group) {
            waiting.arriving.remove(&seq);
            self.place(group);
        }
    }

    fn has_available(&self) -> bool {
        !self.ready.is_empty() || self.may_read()
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.delayed.first().map(|(at, _)| *at)
    }

    fn delayed(&self) -> Option<u64> {
        if self.delay.is_zero() { Some(0) } else { None }
    }

    fn configure(&mut self, delay: Duration) {
        if self.delay != delay {
            self.delay = delay;
            let groups: Vec<u64> = self.groups.keys().copied().collect();
            groups.into_iter().for_each(|group| self.place(group));
        }
    }
}
