//! The events of one stream, in order.

use std::collections::{BTreeMap, VecDeque};

use store::{Bytes, Row, Snapshot, TableError};

use super::{Direction, Range};
use crate::event::{Event, Place};
use crate::tables::{CHUNK_SPAN_MS, CHUNKS, Chunk, read_position};

/// How many chunks are read at once, at most; a reader begins with one, because often the first is enough.
const PAGE_MAX: usize = 8;

/// Chunks stand in the order of their first events, but reach into one another. A chunk's events are held back until
/// no chunk that is still unread can have one that comes before them.
#[derive(Debug)]
pub(crate) struct StreamReader {
    stream: u64,
    range: Range,
    /// The keys that are still to be read.
    unread: Option<(Bytes, Bytes)>,
    page: usize,
    chunks: VecDeque<Row<Chunk>>,
    events: BTreeMap<Place, Event>,
}

impl StreamReader {
    pub(crate) fn new(group: u64, stream: u64, range: Range) -> Self {
        let key = |ms: i64| CHUNKS.key(&[group.into(), stream.into(), ms.into()]);
        let low = key(range.from.timestamp_ms.saturating_sub(CHUNK_SPAN_MS));
        let high = key(range.to.timestamp_ms.saturating_add(1));
        let unread = (!range.is_empty()).then_some((low, high));
        Self { stream, range, unread, page: 1, chunks: VecDeque::new(), events: BTreeMap::new() }
    }

    /// The next event; `None` once there is no more.
    pub(crate) async fn next(&mut self, snapshot: &dyn Snapshot) -> Result<Option<Event>, TableError> {
        loop {
            if self.chunks.is_empty() {
                self.load(snapshot).await?;
            }
            let Some(chunk) = self.chunks.front() else { return Ok(self.pop()) };
            let (first_ms, sequence) = read_position(&chunk.key)?;
            let is_next = match self.range.direction {
                Direction::Forward => {
                    let frontier = Place { timestamp_ms: first_ms, stream: self.stream, sequence, index: 0 };
                    self.events.first_key_value().is_some_and(|(place, _)| *place < frontier)
                }
                Direction::Backward => {
                    let frontier_ms = first_ms.saturating_add(CHUNK_SPAN_MS);
                    self.events.last_key_value().is_some_and(|(place, _)| place.timestamp_ms >= frontier_ms)
                }
            };
            if is_next {
                return Ok(self.pop());
            }
            if let Some(row) = self.chunks.pop_front() {
                self.hold(row.record, sequence);
            }
        }
    }

    fn pop(&mut self) -> Option<Event> {
        let popped = match self.range.direction {
            Direction::Forward => self.events.pop_first(),
            Direction::Backward => self.events.pop_last(),
        };
        popped.map(|(_, event)| event)
    }

    async fn load(&mut self, snapshot: &dyn Snapshot) -> Result<(), TableError> {
        let Some((low, high)) = self.unread.take() else { return Ok(()) };
        let is_reverse = self.range.direction == Direction::Backward;
        let rows = CHUNKS.scan(snapshot, &low, &high, self.page, is_reverse).await?;
        if rows.len() == self.page
            && let Some(last) = rows.last()
        {
            self.unread = Some(match self.range.direction {
                Direction::Forward => ([&last.key[..], &[0]].concat().into(), high),
                Direction::Backward => (low, last.key.clone()),
            });
        }
        self.page = (self.page * 2).min(PAGE_MAX);
        self.chunks = rows.into();
        Ok(())
    }

    fn hold(&mut self, chunk: Chunk, sequence: u64) {
        for (index, (timestamp_ms, message)) in (0..).zip(chunk.events) {
            let place = Place { timestamp_ms, stream: self.stream, sequence, index };
            if self.range.from <= place && place < self.range.to {
                let event = Event { place, message, ingested_ms: chunk.ingested_ms };
                self.events.insert(place, event);
            }
        }
    }
}
