//! What is in memory of a queue.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use clock::{Hold, Timestamp};
use targets::Settled;

use crate::Settings;
use crate::entry::{Entry, Position};
use crate::fifo::Fifo;
use crate::order::{Order, Page, Part, Which};
use crate::standard::Standard;
use crate::waiters::{Kept, Waiters};
use crate::window::Room;

/// At most so many messages are in flight (Amazon SQS developer guide, "Message quotas").
pub(crate) const IN_FLIGHT_MAX: usize = 120_000;
/// Numbers are reserved in the store by so many: a restart leaves a gap.
const SEQUENCE_BLOCK: u64 = 1 << 16;
/// More messages at once have no trace of their return.
const RETURNED_MAX: usize = 1_000;

/// What a commit in progress does to messages. They are in nobody's reach until it is settled.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) items: Vec<Item>,
    /// The limit of numbers that the commit writes.
    pub(crate) sequence_limit: Option<u64>,
}

/// One message of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) seq: u64,
    /// What was in memory of it.
    pub(crate) before: Option<Entry>,
    /// What it is once the commit has returned; nothing when it is deleted.
    pub(crate) after: Option<Entry>,
}

/// Why a message is busy.
#[derive(Debug, Clone, Copy)]
enum Grip {
    /// It is being sent, to this group.
    Arriving(u64),
    /// It was in memory: its group is locked.
    Locked(u64),
    /// It was not in memory.
    Unseen,
}

#[derive(Debug, Clone, Copy)]
struct Sequence {
    next: u64,
    /// In the store: no number from here on has been given.
    limit: u64,
}

/// What was read of a queue to begin with.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) sequence_limit: u64,
    pub(crate) floor: u64,
    /// A purge was not finished.
    pub(crate) is_purged: bool,
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) last_sent: Option<Timestamp>,
    pub(crate) in_flight: Vec<Entry>,
    /// FIFO queues: all that were received and are not in flight.
    pub(crate) returned: Vec<Entry>,
    /// Standard queues: the nearest of the delayed messages, where the others begin, and how many there are in all.
    pub(crate) delayed: Vec<Entry>,
    pub(crate) delayed_from: Option<Position>,
    pub(crate) delayed_count: u64,
}

/// A queue in memory: a bounded cache over its rows, and who has what.
#[derive(Debug)]
pub(crate) struct Head {
    room: Room,
    pub(crate) settings: Arc<Settings>,
    pub(crate) order: Box<dyn Order>,
    pub(crate) waiters: Waiters,
    pub(crate) is_loaded: bool,
    pub(crate) is_removed: bool,
    /// What was settled while the store is being read waits until that is done, so that nothing falls in between.
    pub(crate) is_reading: bool,
    deferred: Vec<(Work, Settled)>,
    /// What must be read before what was asked for can be answered.
    pub(crate) wanted: Option<Part>,
    /// How often it was unloaded: what was read before that is of no use any more.
    pub(crate) epoch: u64,
    /// Messages with lesser numbers are being removed from the store.
    pub(crate) swept: u64,
    busy: HashMap<u64, Grip>,
    in_flight: HashMap<u64, Entry>,
    timers: BTreeSet<Position>,
    sequence: Option<Sequence>,
    last_sent: Timestamp,
    pub(crate) now: Timestamp,
    /// No message was sent before this.
    pub(crate) oldest: Option<Timestamp>,
    /// The same for messages that came in since this was last reset.
    pub(crate) oldest_news: Option<Timestamp>,
    /// Messages that are too old are being removed.
    pub(crate) is_expiring: bool,
    /// Messages with lesser numbers are purged.
    pub(crate) floor: u64,
    /// Deduplication tokens of messages that are being sent.
    pub(crate) tokens: HashSet<[u8; 16]>,
    /// Messages that came back: when they were sent, and their numbers.
    pub(crate) returned: Vec<(Timestamp, u64)>,
    /// When the alarm goes off for this queue.
    pub(crate) armed: Option<Timestamp>,
    pub(crate) in_flight_max: usize,
}

impl Head {
    pub(crate) fn new(room: Room, settings: Arc<Settings>) -> Self {
        let now = Timestamp::from_micros(i64::MIN);
        Self {
            order: Self::empty_order(room, &settings, now),
            room,
            settings,
            waiters: Waiters::default(),
            is_loaded: false,
            is_removed: false,
            is_reading: false,
            deferred: Vec::new(),
            wanted: None,
            epoch: 0,
            swept: 0,
            busy: HashMap::new(),
            in_flight: HashMap::new(),
            timers: BTreeSet::new(),
            sequence: None,
            last_sent: now,
            now,
            oldest: None,
            oldest_news: None,
            is_expiring: false,
            floor: 0,
            tokens: HashSet::new(),
            returned: Vec::new(),
            armed: None,
            in_flight_max: IN_FLIGHT_MAX,
        }
    }

    fn empty_order(room: Room, settings: &Settings, now: Timestamp) -> Box<dyn Order> {
        match settings.fifo {
            Some(_) => Box::new(Fifo::empty(room, now, settings.delay)),
            None => Box::new(Standard::empty(room, now)),
        }
    }

    /// Messages that were sent then or before are too old.
    pub(crate) fn cutoff(&self) -> Timestamp {
        self.now - self.settings.retention
    }

    pub(crate) fn has_expired(&self) -> bool {
        self.oldest.is_some_and(|oldest| oldest <= self.cutoff())
    }

    pub(crate) fn is_busy(&self, seq: u64) -> bool {
        self.busy.contains_key(&seq)
    }

    /// Whether a message below `floor` is busy.
    pub(crate) fn is_busy_below(&self, floor: u64) -> bool {
        self.busy.keys().any(|seq| *seq < floor)
    }

    pub(crate) fn in_flight(&self, seq: u64) -> Option<&Entry> {
        self.in_flight.get(&seq)
    }

    pub(crate) fn in_flight_count(&self) -> usize {
        self.in_flight.len()
    }

    /// The number of the next message.
    pub(crate) fn next_number(&self) -> u64 {
        self.sequence.map_or(1, |sequence| sequence.next)
    }

    /// When something happens next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        if !self.is_loaded || self.is_removed {
            return None;
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        let expiry = self.oldest.map(|oldest| oldest + self.settings.retention);
        // What is over but could not be done yet, because the store failed, is tried again with the next request.
        [timer, self.order.next_due(), expiry].into_iter().flatten().filter(|due| *due > self.now).min()
    }
}

/// Time.
impl Head {
    /// Lets time pass: what waited until now can be received.
    pub(crate) fn advance(&mut self, now: Timestamp, hold: &Hold) {
        if now < self.now && self.is_loaded {
            // The host's clock was set back: what was thought to be over is not.
            self.unload(hold);
        }
        self.now = now;
        if !self.is_loaded {
            return;
        }
        let mut more = self.order.advance(now);
        while let Some(&(at, seq)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(entry) = self.in_flight.remove(&seq) {
                self.order.unlock(entry.group);
                self.come_back(entry);
                more += 1;
            }
        }
        self.wake(more, hold);
    }

    fn come_back(&mut self, entry: Entry) {
        if self.returned.len() < RETURNED_MAX {
            self.returned.push((entry.sent, entry.seq));
        }
        self.order.put(entry);
    }

    /// Wakes a receiver for each of so many messages, as long as there are any.
    pub(crate) fn wake(&mut self, count: usize, hold: &Hold) {
        let mut left = count;
        while left > 0 && !self.waiters.is_empty() && self.order.has_available() {
            self.waiters.wake(hold);
            left -= 1;
        }
    }

    pub(crate) fn configure(&mut self, settings: Arc<Settings>, hold: &Hold) {
        if settings.retention > self.settings.retention {
            // What was left out as too old may not be.
            self.unload(hold);
        }
        self.order.configure(settings.delay);
        self.settings = settings;
        self.wake(1, hold);
    }
}

/// Taking messages in hand.
impl Head {
    /// The number and the time of a new message; with the number, a limit to be written with it.
    pub(crate) fn number(&mut self, group: u64) -> (u64, Timestamp, Option<u64>) {
        let sequence = self.sequence.get_or_insert(Sequence { next: 1, limit: 1 });
        let seq = sequence.next;
        sequence.next += 1;
        let limit = (seq >= sequence.limit).then(|| (seq / SEQUENCE_BLOCK + 1) * SEQUENCE_BLOCK);
        let mut sent = self.now;
        if self.settings.fifo.is_some() {
            // Their line is by time, and must be by number.
            sent = sent.max(self.last_sent);
            self.last_sent = sent;
        }
        self.busy.insert(seq, Grip::Arriving(group));
        self.order.arrives(group, seq);
        (seq, sent, limit)
    }

    /// Whoever waits for a message that is being sent, if it is the next one that can be received.
    pub(crate) fn keep_receiver(&mut self, sent: Timestamp, hold: &Hold) -> Option<Kept> {
        let is_next = self.settings.fifo.is_none() && !self.order.has_available();
        let is_allowed = sent > self.cutoff() && self.in_flight.len() < self.in_flight_max;
        if is_next && is_allowed { self.waiters.keep(hold) } else { None }
    }

    /// The next messages, or nothing when rows have to be read first.
    pub(crate) fn take(&mut self, max: usize, one_group: bool) -> Option<Vec<Entry>> {
        match self.order.take(max, self.cutoff(), one_group) {
            Ok(taken) => {
                for entry in &taken {
                    self.busy.insert(entry.seq, Grip::Locked(entry.group));
                }
                Some(taken)
            }
            Err(part) => {
                self.wanted = Some(part);
                None
            }
        }
    }

    /// Takes a message that is in flight.
    pub(crate) fn take_in_flight(&mut self, seq: u64) -> Option<Entry> {
        let entry = self.in_flight.remove(&seq)?;
        self.timers.remove(&entry.position());
        self.busy.insert(seq, Grip::Locked(entry.group));
        Some(entry)
    }

    /// Takes a message wherever it is; nothing when it is not in memory, but nobody else gets it either.
    pub(crate) fn take_any(&mut self, which: &Which) -> Option<Entry> {
        if let Some(entry) = self.take_in_flight(which.seq) {
            return Some(entry);
        }
        let entry = self.order.remove(which);
        let grip = entry.map_or(Grip::Unseen, |entry| Grip::Locked(entry.group));
        self.busy.insert(which.seq, grip);
        entry
    }

    /// Says how a commit ended.
    pub(crate) fn settle(&mut self, work: Work, settled: Settled, hold: &Hold) {
        if self.is_reading {
            self.deferred.push((work, settled));
        } else {
            self.apply(&work, settled, hold);
        }
    }

    fn apply(&mut self, work: &Work, settled: Settled, hold: &Hold) {
        let is_committed = settled == Settled::Committed;
        let mut is_uncertain = settled == Settled::Unknown;
        for item in &work.items {
            let grip = self.busy.remove(&item.seq);
            if self.is_loaded {
                match grip {
                    Some(Grip::Arriving(group)) => self.order.arrived(group, item.seq),
                    Some(Grip::Locked(group)) => self.order.unlock(group),
                    // A page may have been read past it.
                    Some(Grip::Unseen) => is_uncertain |= !is_committed,
                    None => {}
                }
                match settled {
                    Settled::Committed => self.place(item.after, item.after != item.before),
                    Settled::Abandoned => self.place(item.before, false),
                    Settled::Unknown => {}
                }
            }
        }
        if let (Some(limit), true) = (work.sequence_limit, is_committed)
            && let Some(sequence) = &mut self.sequence
        {
            sequence.limit = sequence.limit.max(limit);
        }
        if is_uncertain {
            self.unload(hold);
        }
        self.wake(work.items.len(), hold);
    }

    fn place(&mut self, entry: Option<Entry>, is_news: bool) {
        let Some(entry) = entry.filter(|entry| entry.seq >= self.floor) else { return };
        for oldest in [&mut self.oldest, &mut self.oldest_news] {
            *oldest = Some(oldest.map_or(entry.sent, |oldest| oldest.min(entry.sent)));
        }
        if entry.is_in_flight(self.now) {
            self.order.lock(entry.group);
            self.timers.insert(entry.position());
            self.in_flight.insert(entry.seq, entry);
            return;
        }
        if entry.count > 0 && is_news {
            self.come_back(entry);
        } else {
            self.order.put(entry);
        }
    }
}

/// Reading.
impl Head {
    /// Forgets all that the store knows better. It is read again when it is needed.
    pub(crate) fn unload(&mut self, hold: &Hold) {
        self.is_loaded = false;
        self.epoch += 1;
        self.wanted = None;
        self.in_flight.clear();
        self.timers.clear();
        self.order = Self::empty_order(self.room, &self.settings, self.now);
        self.armed = None;
        // Who waits sees to it.
        self.waiters.wake(hold);
    }

    /// Rows are being read. The messages that are busy now are left out of what is read.
    pub(crate) fn start_reading(&mut self) -> HashSet<u64> {
        self.is_reading = true;
        self.busy.keys().copied().collect()
    }

    /// Done, with or without success.
    pub(crate) fn end_reading(&mut self, hold: &Hold) {
        self.is_reading = false;
        for (work, settled) in std::mem::take(&mut self.deferred) {
            self.apply(&work, settled, hold);
        }
    }

    /// Takes in what was read to begin with, without what was busy.
    pub(crate) fn install_loaded(&mut self, loaded: Loaded) {
        let first = Sequence { next: loaded.sequence_limit.max(1), limit: loaded.sequence_limit.max(1) };
        let sequence = self.sequence.get_or_insert(first);
        sequence.limit = sequence.limit.max(loaded.sequence_limit);
        self.floor = self.floor.max(loaded.floor);
        self.oldest = loaded.oldest;
        self.last_sent = self.last_sent.max(loaded.last_sent.unwrap_or(self.last_sent));
        self.order = match self.settings.fifo {
            Some(_) => Box::new(Fifo::unread(self.room, self.now, self.settings.delay)),
            None => {
                let Loaded { delayed, delayed_from, delayed_count, .. } = loaded;
                Box::new(Standard::loaded(self.room, self.now, delayed, delayed_from, delayed_count))
            }
        };
        for (seq, grip) in &self.busy {
            match grip {
                Grip::Arriving(group) => self.order.arrives(*group, *seq),
                Grip::Locked(group) => self.order.lock(*group),
                Grip::Unseen => {}
            }
        }
        self.is_loaded = true;
        for entry in loaded.in_flight.into_iter().chain(loaded.returned) {
            self.place(Some(entry), false);
        }
    }

    /// Takes in a page of rows.
    pub(crate) fn install_page(&mut self, page: Page, entries: Vec<Entry>, from: Option<Position>) {
        let free = |entry: &Entry| {
            entry.seq >= self.floor
                && !self.busy.contains_key(&entry.seq)
                && !self.in_flight.contains_key(&entry.seq)
        };
        let entries = entries.into_iter().filter(free).collect();
        self.order.install(page, entries, from);
    }

    /// From now on there are no messages with numbers below `floor`: the store says so.
    pub(crate) fn purge(&mut self, floor: u64, hold: &Hold) {
        self.floor = self.floor.max(floor);
        self.unload(hold);
    }

    /// Whoever gets hold of this queue is turned away.
    pub(crate) fn remove(&mut self, hold: &Hold) {
        self.is_removed = true;
        self.is_loaded = false;
        self.waiters.wake_all(hold);
    }
}
