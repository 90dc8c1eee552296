//! Log events, many to an entry.

use serde::{Deserialize, Serialize};
use store::{StoreError, Table};

/// What one batch added to a stream, or a part of that, in the order of the events' times. Its key is (group's id,
/// stream's id, time of the first event, number of the chunk within its stream).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// When the events were taken in.
    pub(crate) ingested_ms: i64,
    /// Times and messages.
    pub(crate) events: Vec<(i64, String)>,
}

impl Chunk {
    /// Its size as `PutLogEvents` counts it.
    pub(crate) fn bytes(&self) -> i64 {
        let bytes: usize = self.events.iter().map(|(_, message)| crate::event::size_bytes(message)).sum();
        i64::try_from(bytes).unwrap_or(i64::MAX)
    }
}

pub(crate) const CHUNKS: Table<Chunk> = Table::of_large_records("log-chunk");

/// The events of a chunk are less than this apart. So whoever reads from a moment on knows how far before it a chunk
/// may begin that still reaches into it.
pub(crate) const CHUNK_SPAN_MS: i64 = 10_000;

/// The time of a chunk's first event, and the chunk's number.
pub(crate) fn read_position(key: &[u8]) -> Result<(i64, u64), StoreError> {
    let mut reader = CHUNKS.read_key(key)?;
    let (_group, _stream) = (reader.u64()?, reader.u64()?);
    Ok((reader.i64()?, reader.u64()?))
}
