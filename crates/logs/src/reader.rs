//! Reads the events of one stream, or of many as if they were one, in either direction.

mod group;
mod stream;

pub(crate) use group::{GroupReader, Source};
pub(crate) use stream::StreamReader;

use crate::event::Place;

/// Which events, and which end to begin at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// No event before this boundary.
    pub(crate) from: Place,
    /// No event behind this boundary.
    pub(crate) to: Place,
    pub(crate) direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The oldest event first.
    Forward,
    /// The newest event first.
    Backward,
}

impl Range {
    /// Nothing lies in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}
