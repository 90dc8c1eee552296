//! The events of many streams, interleaved by time.

use std::collections::BTreeMap;

use store::{Snapshot, TableError};

use super::{Direction, Range, StreamReader};
use crate::event::{Event, Place};
use crate::tables::Stream;

/// A stream that may have events in the range.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) stream: Stream,
}

/// Opens a stream only when its turn may have come: a group has a stream for each environment that ever ran, but few
/// of them ran at one time.
#[derive(Debug)]
pub(crate) struct GroupReader {
    group: u64,
    range: Range,
    /// Not opened yet; the last one is the next to be opened.
    closed: Vec<Source>,
    /// The next event of each open stream.
    heads: BTreeMap<Place, (Event, Open)>,
}

#[derive(Debug)]
struct Open {
    name: String,
    reader: StreamReader,
}

impl GroupReader {
    pub(crate) fn new(group: u64, sources: Vec<Source>, range: Range) -> Self {
        let mut closed: Vec<Source> =
            sources.into_iter().filter(|source| source.reaches_into(&range)).collect();
        match range.direction {
            Direction::Forward => {
                closed.sort_by_key(|source| std::cmp::Reverse(source.stream.first_event_ms));
            }
            Direction::Backward => closed.sort_by_key(|source| source.stream.last_event_ms),
        }
        Self { group, range, closed, heads: BTreeMap::new() }
    }

    /// The next event and its stream's name; `None` once there is no more.
    pub(crate) async fn next(
        &mut self,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<(String, Event)>, TableError> {
        while self.must_open() {
            let Some(source) = self.closed.pop() else { break };
            let reader = StreamReader::new(self.group, source.stream.id, self.range);
            self.advance(snapshot, Open { name: source.name, reader }).await?;
        }
        let popped = match self.range.direction {
            Direction::Forward => self.heads.pop_first(),
            Direction::Backward => self.heads.pop_last(),
        };
        let Some((_, (event, open))) = popped else { return Ok(None) };
        let name = open.name.clone();
        self.advance(snapshot, open).await?;
        Ok(Some((name, event)))
    }

    /// Whether the stream whose turn is next may have an event that comes before all heads.
    fn must_open(&self) -> bool {
        let Some(source) = self.closed.last() else { return false };
        match self.range.direction {
            Direction::Forward => self
                .heads
                .first_key_value()
                .is_none_or(|(place, _)| source.stream.first_event_ms <= Some(place.timestamp_ms)),
            Direction::Backward => self
                .heads
                .last_key_value()
                .is_none_or(|(place, _)| source.stream.last_event_ms >= Some(place.timestamp_ms)),
        }
    }

    async fn advance(&mut self, snapshot: &dyn Snapshot, mut open: Open) -> Result<(), TableError> {
        if let Some(event) = open.reader.next(snapshot).await? {
            self.heads.insert(event.place, (event, open));
        }
        Ok(())
    }
}

impl Source {
    fn reaches_into(&self, range: &Range) -> bool {
        match (self.stream.first_event_ms, self.stream.last_event_ms) {
            (Some(first), Some(last)) => first <= range.to.timestamp_ms && last >= range.from.timestamp_ms,
            _ => false,
        }
    }
}
