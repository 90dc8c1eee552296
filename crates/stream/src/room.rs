//! How much of all streams is in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, Weak};

use crate::stream::{Inner, Stream};
use crate::{SequenceNumber, ShardId};

/// What a row takes beside its bytes, about.
const ROW_OVERHEAD: usize = 128;

/// The rows in memory, the oldest first.
#[derive(Debug)]
pub(crate) struct Room {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    rows: VecDeque<KeptRow>,
}

/// A row that is, or was, in a tail.
#[derive(Debug)]
pub(crate) struct KeptRow {
    pub(crate) stream: Weak<Inner>,
    pub(crate) shard: ShardId,
    pub(crate) last: SequenceNumber,
    pub(crate) bytes: usize,
}

impl Room {
    /// Enough for a second or two of what a busy server takes in.
    pub(crate) const USUAL_BYTES: usize = 32 << 20;

    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Mutex::default() }
    }

    /// Remembers rows that were added to tails, and has the oldest of all go where there are too many. No stream's head
    /// may be locked.
    pub(crate) fn keep(&self, rows: Vec<KeptRow>) {
        let mut evicted = Vec::new();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            kept.bytes += row.bytes + ROW_OVERHEAD;
            kept.rows.push_back(row);
        }
        while kept.bytes > self.bytes_max
            && let Some(row) = kept.rows.pop_front()
        {
            kept.bytes -= row.bytes + ROW_OVERHEAD;
            evicted.push(row);
        }
        drop(kept);
        for row in evicted {
            if let Some(stream) = row.stream.upgrade() {
                Stream::from_inner(stream).locked(|head, _| head.evict(row.shard, row.last));
            }
        }
    }
}
