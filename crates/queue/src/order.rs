//! In which order messages are handed out: what standard and FIFO queues do not have in common.

use std::fmt::Debug;
use std::time::Duration;

use clock::Timestamp;

use crate::entry::{Entry, Position};

/// The messages that nobody has, as far as they are in memory. Knows nothing of the store: it says what has to be
/// read, and is given it.
pub(crate) trait Order: Send + Debug {
    /// Takes in a message that nobody has, whose row is in the store.
    fn put(&mut self, entry: Entry);

    /// Takes in what was read.
    fn install(&mut self, page: Page, entries: Vec<Entry>, from: Option<Position>);

    /// Lets time pass. At least how many more can be received now.
    fn advance(&mut self, now: Timestamp) -> usize;

    /// What must be read to know what can be received by now.
    fn wants(&self) -> Option<Part>;

    /// Where reading goes on; nothing when all is known.
    fn page(&self, part: Part) -> Option<Page>;

    /// The first at most `max` messages, locked, or what must be read first. Those of the line that were sent at
    /// `cutoff` or before are left out for good. With `one_group`, where groups are in order, all are of one group.
    fn take(&mut self, max: usize, cutoff: Timestamp, one_group: bool) -> Result<Vec<Entry>, Part>;

    /// Takes one out, locked, if it is here.
    fn remove(&mut self, which: &Which) -> Option<Entry>;

    /// The message is in somebody's hands.
    fn lock(&mut self, group: u64);

    /// It is not any more.
    fn unlock(&mut self, group: u64);

    /// A message is being sent.
    fn arrives(&mut self, group: u64, seq: u64);

    /// It has been sent, or not.
    fn arrived(&mut self, group: u64, seq: u64);

    /// Whether there may be something to take.
    fn has_available(&self) -> bool;

    /// When more can be received.
    fn next_due(&self) -> Option<Timestamp>;

    /// How many messages are delayed; `None` when only the store knows.
    fn delayed(&self) -> Option<u64>;

    /// The queue's delay has changed.
    fn configure(&mut self, delay: Duration);
}

/// Names a message that may be in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which {
    pub(crate) seq: u64,
    pub(crate) group: u64,
    pub(crate) sent: Timestamp,
    /// When it could probably be received.
    pub(crate) at: Timestamp,
    /// If that is yet to come, it was never received.
    pub(crate) is_fresh: bool,
}

/// Rows that are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) part: Part,
    pub(crate) from: Position,
}

/// What the rows are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The line.
    Line,
    /// Those among the waiting whose wait has ended.
    Due,
    /// Those among the waiting that are delayed.
    Delayed,
}
