//! What is kept of a lane: what is done of its slot of a shard, and what is left of a batch that failed.

use std::collections::VecDeque;

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stream::{Position, SequenceNumber};

use super::failure_record::GivenUp;

/// A lane as it is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// The lane's records up to this one are done; `None`: not even the oldest.
    pub(crate) done: Option<SequenceNumber>,
    /// What is left of a batch that failed, in order. The first follows `done`, each further one its predecessor.
    #[serde(default)]
    pub(crate) pieces: VecDeque<Piece>,
    /// The tumbling window that is open.
    #[serde(default)]
    pub(crate) window: Option<Window>,
    /// Records that were given up, and that the destination has not accepted yet.
    #[serde(default)]
    pub(crate) hand_over: Option<HandOver>,
    /// The shard has ended, and so has the lane.
    #[serde(default)]
    pub(crate) has_ended: bool,
}

/// What is to be handed over before the lane goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HandOver {
    pub(crate) given_up: GivenUp,
    /// How often in a row the destination was not available.
    pub(crate) tries: u32,
    /// Not before then; `None`: now.
    pub(crate) due: Option<Timestamp>,
}

impl Lane {
    /// One that begins after `done`.
    pub(crate) fn after(done: Option<SequenceNumber>) -> Self {
        Self { done, ..Self::default() }
    }
}

/// A place to read on from.
pub(crate) fn position(done: Option<SequenceNumber>) -> Position {
    done.map_or(Position::TrimHorizon, Position::After)
}

/// What is done for a reader at this place; `None` when the place depends on when it is looked at.
pub(crate) fn done(position: Position) -> Option<Option<SequenceNumber>> {
    match position {
        Position::TrimHorizon => Some(None),
        Position::At(SequenceNumber(number)) => Some(number.checked_sub(1).map(SequenceNumber)),
        Position::After(number) => Some(Some(number)),
        Position::Latest | Position::AtTimestamp(_) => None,
    }
}

/// Records that are tried together again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Up to this record.
    pub(crate) last: SequenceNumber,
    /// When that one arrived.
    pub(crate) last_arrived: Timestamp,
    /// How many there are.
    pub(crate) records: usize,
    /// What was tried.
    pub(crate) tries: Tries,
}

/// What was tried, and when to try again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    /// How often the function failed.
    pub(crate) failures: u32,
    /// How often in a row it could not be run.
    pub(crate) turned_away: u32,
    /// Not before then; `None`: now.
    pub(crate) due: Option<Timestamp>,
    /// The last time that it failed.
    pub(crate) response: Option<Response>,
}

/// An invocation that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Response {
    /// The invocation's id.
    pub(crate) request_id: String,
    /// The version that ran.
    pub(crate) executed_version: String,
    /// Whether the function itself said that it failed, and not only that records did.
    pub(crate) is_error: bool,
}

/// A tumbling window with records in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Window {
    /// From when.
    pub(crate) start: Timestamp,
    /// Until when; not included.
    pub(crate) end: Timestamp,
    /// What the function made of the records so far.
    pub(crate) state: Box<RawValue>,
    /// The records that are in the state.
    pub(crate) aggregated: Extent,
    /// The state has become too large.
    #[serde(default)]
    pub(crate) is_terminated_early: bool,
    /// The final invocation has been tried.
    #[serde(default)]
    pub(crate) closing: Option<Tries>,
}

/// Records of one shard, by the first and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) first: SequenceNumber,
    pub(crate) last: SequenceNumber,
    pub(crate) first_arrived: Timestamp,
    pub(crate) last_arrived: Timestamp,
    pub(crate) records: usize,
}

impl Extent {
    /// With those that follow.
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            last: later.last,
            last_arrived: later.last_arrived,
            records: self.records.saturating_add(later.records),
            ..self
        }
    }
}
