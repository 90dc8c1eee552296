//! The newest rows of a shard, in memory.

use std::collections::VecDeque;

use crate::SequenceNumber;
use crate::row::Row;

/// All rows of a shard that end after `covers`, up to the newest.
#[derive(Debug)]
pub(crate) struct Tail {
    covers: SequenceNumber,
    rows: VecDeque<Row>,
}

impl Tail {
    /// Without the rows that end with `covers` or before it.
    pub(crate) const fn after(covers: SequenceNumber) -> Self {
        Self { covers, rows: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push_back(row);
    }

    /// Gives up the rows that end with `last` or before it.
    pub(crate) fn evict(&mut self, last: SequenceNumber) {
        while let Some(row) = self.rows.front().filter(|row| row.last <= last) {
            self.covers = row.last;
            self.rows.pop_front();
        }
    }

    /// At most `limit` rows that have records from number `from` on; `None` when some of them are in the store only.
    pub(crate) fn rows_from(&self, from: SequenceNumber, limit: usize) -> Option<Vec<Row>> {
        if from <= self.covers {
            return None;
        }
        let start = self.rows.partition_point(|row| row.last < from);
        Some(self.rows.range(start..).take(limit).cloned().collect())
    }
}
