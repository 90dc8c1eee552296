//! What of the queue is in memory: a bounded number of due events by function, and for the others just when to look
//! into the store again.
//!
//! Fair between functions: each has a lane, lanes take turns, and no lane may use more than what it leaves free, so
//! that there is always something left for one that comes anew. A function that has no concurrency is paused as a
//! whole. Nothing here waits; times are given by the caller.

mod lane;
mod pace;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use clock::{Hold, Timestamp};
use ids::{FunctionArn, RequestId};

use self::lane::{Backlogged, Lane};
use crate::row::{self, Stored};

/// Attempts at once, of all functions.
const RUNNING_MAX: usize = 512;
/// Events whose attempt has ended and whose commit has not: more only when the disk does not keep up.
const CONCLUDING_MAX: usize = 1_024;
/// Events of one function that wait in memory for their turn.
const READY_MAX: usize = 256;
/// Below that the store is asked for more.
const READY_LOW: usize = READY_MAX / 2;
/// What all waiting events may take in memory. A lane without any may take one beyond it, up to twice that.
const READY_BYTES_MAX: usize = 16 << 20;

/// An event that this process works on.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) stored: Stored,
    /// Whose lane it is in: the function without a qualifier.
    pub(crate) function: FunctionArn,
    /// Virtual time stands still until what is due is done.
    pub(crate) hold: Hold,
}

/// Rows to be read: from the first key, before the second.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) function: FunctionArn,
    pub(crate) from: Bytes,
    pub(crate) to: Bytes,
}

/// Where a search ended.
#[derive(Debug)]
pub(crate) enum Searched {
    /// There is no room for more; it goes on here.
    Until(Bytes),
    /// Nothing more is due; the next event is due then.
    All(Option<Timestamp>),
    /// The store did not answer.
    Failed,
}

/// What becomes of an event for which there was no concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// Others of its function run: it follows as soon as one of them has ended.
    InLine,
    /// Its function is paused.
    Until(Timestamp),
}

#[derive(Debug, Default)]
pub(crate) struct Head {
    lanes: BTreeMap<FunctionArn, Lane>,
    /// The lanes with something ready, in the order of their turns.
    turns: VecDeque<FunctionArn>,
    /// The lanes with too little ready and more in the store.
    to_load: VecDeque<FunctionArn>,
    timers: BTreeSet<(Timestamp, FunctionArn)>,
    /// To be dropped once the earliest timer is set.
    holds: Vec<Hold>,
    running: usize,
    concluding: usize,
    ready_bytes: usize,
    /// What the last process left is still being counted, so no lane may be forgotten.
    counting: bool,
}

impl Head {
    /// An event is about to be written: its row, once it can be seen, is not to be read from the store.
    pub(crate) fn claim(&mut self, function: &FunctionArn, id: RequestId) {
        lane(&mut self.lanes, function).claimed.insert(id);
    }

    /// A claimed event was written, and is due.
    pub(crate) fn arrived(&mut self, claimed: Claimed) {
        let function = claimed.function.clone();
        let has_room = self.has_room(&function, claimed.stored.body_bytes());
        let lane = lane(&mut self.lanes, &function);
        lane.events += 1;
        if lane.paused_until.is_some() {
            // It is found with the others when the pause is over.
            lane.release(claimed.stored.event.id);
        } else if lane.backlog.is_none() && has_room {
            self.make_ready(claimed);
        } else {
            lane.release(claimed.stored.event.id);
            lane.miss(claimed.hold);
            self.line_up_to_load(&function);
        }
    }

    /// A claimed event was not written.
    pub(crate) fn not_arrived(&mut self, function: &FunctionArn, id: RequestId) {
        lane(&mut self.lanes, function).release(id);
        self.tidy(function);
    }

    /// Whether a claimed event was written is not known, or what of a known one is written: the store is asked.
    pub(crate) fn lose_sight(&mut self, function: &FunctionArn, id: RequestId, hold: Hold) {
        let lane = lane(&mut self.lanes, function);
        lane.release(id);
        if lane.paused_until.is_none() {
            lane.miss(hold);
            self.line_up_to_load(function);
        }
    }

    /// The next event to attempt, if another attempt may begin.
    pub(crate) fn begin(&mut self) -> Option<Claimed> {
        if self.concluding >= CONCLUDING_MAX {
            return None;
        }
        for _ in 0..self.turns.len() {
            let function = self.turns.pop_front()?;
            let free = RUNNING_MAX.saturating_sub(self.running);
            let lane = lane(&mut self.lanes, &function);
            let may_begin = lane.running < lane.pace.limit().min(free);
            let claimed = if may_begin { lane.ready.pop_front() } else { None };
            lane.in_turn = !lane.ready.is_empty();
            if lane.in_turn {
                self.turns.push_back(function.clone());
            }
            if let Some(claimed) = claimed {
                let size = claimed.stored.body_bytes();
                lane.running += 1;
                lane.ready_bytes -= size;
                self.running += 1;
                self.ready_bytes -= size;
                self.line_up_to_load(&function);
                return Some(claimed);
            }
            self.tidy(&function);
        }
        None
    }

    /// An attempt has ended, and is yet to be concluded. `admitted` when the function ran.
    pub(crate) fn attempted(&mut self, function: &FunctionArn, admitted: bool) {
        self.running -= 1;
        self.concluding += 1;
        let lane = lane(&mut self.lanes, function);
        lane.running -= 1;
        if admitted {
            lane.pace.admitted();
            lane.pauses = 0;
        }
    }

    /// How often in a row the function has been paused.
    pub(crate) fn pauses(&self, function: &FunctionArn) -> u32 {
        self.lanes.get(function).map_or(0, |lane| lane.pauses)
    }

    /// There was no concurrency for an event that was begun: it follows on the others of its function, or, when there
    /// are none, the whole function is paused until `until`.
    pub(crate) fn turned_away(&mut self, claimed: Claimed, until: Timestamp) -> TurnedAway {
        self.running -= 1;
        let function = claimed.function.clone();
        let lane = lane(&mut self.lanes, &function);
        lane.running -= 1;
        if lane.running > 0 && lane.paused_until.is_none() {
            let others = lane.running;
            lane.pace.turned_away(others);
            self.make_ready_first(claimed);
            return TurnedAway::InLine;
        }
        lane.pace.turned_away(0);
        lane.release(claimed.stored.event.id);
        let until = self.pause(&function, until);
        self.holds.push(claimed.hold);
        TurnedAway::Until(until)
    }

    /// Nothing of the function is attempted before `until`, or the end of a longer pause, which is returned.
    pub(crate) fn pause(&mut self, function: &FunctionArn, until: Timestamp) -> Timestamp {
        let lane = lane(&mut self.lanes, function);
        let until = lane.paused_until.map_or(until, |earlier| earlier.max(until));
        if lane.paused_until != Some(until) {
            lane.pauses += 1;
        }
        lane.paused_until = Some(until);
        let freed = lane.ready_bytes;
        // Whatever is due earlier is found when the pause is over.
        let timer = lane.timer.replace(until);
        let backlog = lane.backlog.take();
        lane.put_back_ready();
        self.ready_bytes -= freed;
        self.holds.extend(backlog.map(|backlog| backlog.hold));
        self.timers.extend([(until, function.clone())]);
        if let Some(timer) = timer.filter(|timer| *timer != until) {
            self.timers.remove(&(timer, function.clone()));
        }
        until
    }

    /// An event's row is gone.
    pub(crate) fn ended(&mut self, function: &FunctionArn, id: RequestId) {
        self.concluding -= 1;
        let lane = lane(&mut self.lanes, function);
        lane.events -= 1;
        lane.release(id);
        self.tidy(function);
    }

    /// An event is in the store only, and due then.
    pub(crate) fn rescheduled(&mut self, claimed: Claimed, due: Timestamp) {
        self.concluding -= 1;
        lane(&mut self.lanes, &claimed.function).release(claimed.stored.event.id);
        self.set_timer(&claimed.function, due);
        self.holds.push(claimed.hold);
    }

    /// Nothing more is done about an event that was attempted: its row, if it is still there, is for the next process.
    pub(crate) fn abandoned(&mut self, function: &FunctionArn, id: RequestId) {
        self.concluding -= 1;
        lane(&mut self.lanes, function).release(id);
    }

    /// Time may go on only once the earliest timer is set.
    pub(crate) fn keep_hold(&mut self, hold: Hold) {
        self.holds.push(hold);
    }

    /// A function with events that this process knows nothing of.
    pub(crate) fn discovered(&mut self, function: &FunctionArn, hold: Hold) {
        lane(&mut self.lanes, function).miss(hold);
        self.line_up_to_load(function);
    }

    /// What the last process left is about to be counted.
    pub(crate) fn begin_counting(&mut self) {
        self.counting = true;
        self.lanes.values_mut().for_each(|lane| lane.events = 0);
    }

    /// So many more events of a function were left by the last process.
    pub(crate) fn counted(&mut self, function: &FunctionArn, events: i64) {
        lane(&mut self.lanes, function).events += events;
    }

    /// All were counted.
    pub(crate) fn end_counting(&mut self) {
        self.counting = false;
        self.lanes.retain(|_, lane| !lane.is_idle());
    }

    /// By function: how many events there are, and how many of them are being attempted.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&FunctionArn, u64, u64)> {
        self.lanes
            .iter()
            .map(|(function, lane)| (function, u64::try_from(lane.events).unwrap_or(0), lane.running as u64))
    }

    /// The functions, and until when each is paused.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&FunctionArn, Option<Timestamp>)> {
        self.lanes.iter().map(|(function, lane)| (function, lane.paused_until))
    }

    /// The earliest timer. The holds may go once it is set.
    pub(crate) fn next_timer(&mut self) -> (Option<Timestamp>, Vec<Hold>) {
        (self.timers.first().map(|(at, _)| *at), std::mem::take(&mut self.holds))
    }

    /// Time has come to `now`.
    pub(crate) fn fire(&mut self, now: Timestamp, hold: &Hold) {
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let Some((_, function)) = self.timers.pop_first() else { return };
            let lane = lane(&mut self.lanes, &function);
            lane.timer = None;
            lane.paused_until = None;
            lane.miss(hold.clone());
            self.line_up_to_load(&function);
        }
    }

    /// Whether there are rows to be read, or timers to be set.
    pub(crate) fn needs_keeper(&self) -> bool {
        !self.to_load.is_empty() || !self.holds.is_empty()
    }

    /// The next search for due events. It ends with [`Head::searched`].
    pub(crate) fn next_search(&mut self) -> Option<Search> {
        for _ in 0..self.to_load.len() {
            let function = self.to_load.pop_front()?;
            let has_room = self.has_room(&function, 0);
            let lane = lane(&mut self.lanes, &function);
            if lane.backlog.is_some() && !has_room {
                // Others give memory back with their next attempt.
                self.to_load.push_back(function);
                continue;
            }
            lane.in_line_to_load = false;
            if lane.loading.is_some() {
                continue;
            }
            let Some(backlog) = &mut lane.backlog else {
                self.tidy(&function);
                continue;
            };
            let rows = row::of_function(&function);
            let from = backlog.next.take().unwrap_or_else(|| {
                backlog.missed_some = false;
                rows.start
            });
            lane.loading = Some(Vec::new());
            return Some(Search { function, from, to: rows.end });
        }
        None
    }

    /// Whether a row that was found is nobody's.
    pub(crate) fn is_unclaimed(&self, function: &FunctionArn, id: RequestId) -> bool {
        !self.lanes.get(function).is_some_and(|lane| lane.claimed.contains(&id))
    }

    /// A due event was found. `false` when there is no room for it.
    pub(crate) fn found(&mut self, function: &FunctionArn, stored: Stored) -> bool {
        let has_room = self.has_room(function, stored.body_bytes());
        let lane = lane(&mut self.lanes, function);
        let Some(backlog) = &lane.backlog else { return false };
        if !has_room {
            return false;
        }
        let hold = backlog.hold.clone();
        lane.claimed.insert(stored.event.id);
        self.make_ready(Claimed { stored, function: function.clone(), hold });
        true
    }

    /// A search is over.
    pub(crate) fn searched(&mut self, function: &FunctionArn, searched: Searched) {
        let lane = lane(&mut self.lanes, function);
        for id in lane.loading.take().unwrap_or_default() {
            lane.claimed.remove(&id);
        }
        if let Some(backlog) = &mut lane.backlog {
            match searched {
                Searched::Until(next) => backlog.next = Some(next),
                Searched::Failed => backlog.missed_some = true,
                Searched::All(_) if backlog.missed_some => {}
                Searched::All(next_due) => {
                    let hold = lane.backlog.take().map(|Backlogged { hold, .. }| hold);
                    self.holds.extend(hold);
                    if let Some(due) = next_due {
                        self.set_timer(function, due);
                    }
                }
            }
        }
        self.line_up_to_load(function);
        self.tidy(function);
    }

    /// No lane may take more than it leaves free, so there is always some room for another one.
    fn has_room(&self, function: &FunctionArn, size: usize) -> bool {
        let taken = self.ready_bytes;
        let free = READY_BYTES_MAX.saturating_sub(taken);
        self.lanes.get(function).is_none_or(|lane| {
            lane.ready.len() < READY_MAX
                && (lane.ready_bytes + size <= free
                    || (lane.ready.is_empty() && taken + size <= 2 * READY_BYTES_MAX))
        })
    }

    fn make_ready(&mut self, claimed: Claimed) {
        self.queue(claimed, VecDeque::push_back);
    }

    fn make_ready_first(&mut self, claimed: Claimed) {
        self.queue(claimed, VecDeque::push_front);
    }

    fn queue(&mut self, claimed: Claimed, push: fn(&mut VecDeque<Claimed>, Claimed)) {
        let function = claimed.function.clone();
        let size = claimed.stored.body_bytes();
        self.ready_bytes += size;
        let lane = lane(&mut self.lanes, &function);
        lane.ready_bytes += size;
        push(&mut lane.ready, claimed);
        if !std::mem::replace(&mut lane.in_turn, true) {
            self.turns.push_back(function);
        }
    }

    fn line_up_to_load(&mut self, function: &FunctionArn) {
        let lane = lane(&mut self.lanes, function);
        let wanted = lane.backlog.is_some() && lane.loading.is_none() && lane.ready.len() < READY_LOW;
        if wanted && !std::mem::replace(&mut lane.in_line_to_load, true) {
            self.to_load.push_back(function.clone());
        }
    }

    fn set_timer(&mut self, function: &FunctionArn, due: Timestamp) {
        let lane = lane(&mut self.lanes, function);
        let due = lane.paused_until.map_or(due, |until| until.max(due));
        if lane.timer.is_some_and(|earlier| earlier <= due) {
            return;
        }
        if let Some(later) = lane.timer.replace(due) {
            self.timers.remove(&(later, function.clone()));
        }
        self.timers.insert((due, function.clone()));
    }

    /// Forgets a lane that nothing is known of any more.
    fn tidy(&mut self, function: &FunctionArn) {
        if !self.counting && self.lanes.get(function).is_some_and(Lane::is_idle) {
            self.lanes.remove(function);
        }
    }
}

fn lane<'a>(lanes: &'a mut BTreeMap<FunctionArn, Lane>, function: &FunctionArn) -> &'a mut Lane {
    lanes.entry(function.clone()).or_insert_with(Lane::new)
}

#[cfg(test)]
mod tests;
