//! The events of one function.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use clock::{Hold, Timestamp};
use ids::RequestId;

use super::Claimed;
use super::pace::Pace;

/// What is in memory of one function's events; the rest is only in the store.
#[derive(Debug)]
pub(super) struct Lane {
    /// In memory, to be attempted as soon as it is their turn.
    pub(super) ready: VecDeque<Claimed>,
    pub(super) ready_bytes: usize,
    /// Those whose rows are not to be read from the store: they are ready, somebody works on them, or they are part of
    /// a commit that has not returned.
    pub(super) claimed: HashSet<RequestId>,
    pub(super) running: usize,
    pub(super) pace: Pace,
    /// There may be events in the store that are due and not claimed.
    pub(super) backlog: Option<Backlogged>,
    /// While rows are read: whose claims end with that. A row that was read before it was deleted would otherwise
    /// look like one that nobody has worked on.
    pub(super) loading: Option<Vec<RequestId>>,
    /// The earliest moment at which something is due that is not in memory: it has a timer.
    pub(super) timer: Option<Timestamp>,
    /// Nothing is attempted before.
    pub(super) paused_until: Option<Timestamp>,
    /// How often in a row it was paused.
    pub(super) pauses: u32,
    /// How many events there are, in memory or not.
    pub(super) events: i64,
    /// Whether it stands in line for its turn, and for being read.
    pub(super) in_turn: bool,
    pub(super) in_line_to_load: bool,
}

/// How far the store has been searched for due events.
#[derive(Debug)]
pub(super) struct Backlogged {
    /// Virtual time stands still until all of them have been done.
    pub(super) hold: Hold,
    /// Where the search goes on; at the first row when there is none.
    pub(super) next: Option<Bytes>,
    /// Whether something may have been added behind it since it began.
    pub(super) missed_some: bool,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            ready_bytes: 0,
            claimed: HashSet::new(),
            running: 0,
            pace: Pace::new(),
            backlog: None,
            loading: None,
            timer: None,
            paused_until: None,
            pauses: 0,
            events: 0,
            in_turn: false,
            in_line_to_load: false,
        }
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self) -> bool {
        self.claimed.is_empty()
            && self.backlog.is_none()
            && self.loading.is_none()
            && self.timer.is_none()
            && !self.in_turn
            && !self.in_line_to_load
    }

    /// The event's row may be read again, or is gone.
    pub(super) fn release(&mut self, id: RequestId) {
        match &mut self.loading {
            Some(released) => released.push(id),
            None => {
                self.claimed.remove(&id);
            }
        }
    }

    /// There is, or may be, a due event that is in the store only.
    pub(super) fn miss(&mut self, hold: Hold) {
        match &mut self.backlog {
            Some(backlog) => backlog.missed_some = true,
            None => self.backlog = Some(Backlogged { hold, next: None, missed_some: false }),
        }
    }

    /// Everything that only waits for its turn is in the store only again.
    pub(super) fn put_back_ready(&mut self) {
        self.ready_bytes = 0;
        for claimed in std::mem::take(&mut self.ready) {
            self.release(claimed.stored.event.id);
        }
        self.backlog = None;
    }
}
