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

#[cfg(test)]
mod tests {
    use clock::Timestamp;
    use store::Bytes;

    use super::*;
    use crate::row::Growing;
    use crate::{NewRecord, ShardId};

    fn number(millis: i64) -> SequenceNumber {
        SequenceNumber::ZERO.successor(Timestamp::from_millis(millis), ShardId(0))
    }

    fn row(millis: i64) -> Row {
        let record = NewRecord {
            partition_key: "k".to_owned(),
            explicit_hash_key: None,
            larger_than: None,
            data: Bytes::new(),
        };
        Growing::new(number(millis), &record).finish()
    }

    #[test]
    fn only_what_lies_after_the_evicted_is_answered() {
        let mut tail = Tail::after(number(1));
        (2..=5).for_each(|millis| tail.push(row(millis)));
        assert_eq!(tail.rows_from(number(1), 9), None);
        assert_eq!(tail.rows_from(number(2), 9).map(|rows| rows.len()), Some(4));
        assert_eq!(tail.rows_from(number(4), 9).map(|rows| rows[0].last), Some(number(4)));
        assert_eq!(tail.rows_from(number(2), 3).map(|rows| rows.len()), Some(3));
        assert_eq!(tail.rows_from(number(6), 9), Some(Vec::new()));
        tail.evict(number(3));
        assert_eq!(tail.rows_from(number(3), 9), None);
        assert_eq!(tail.rows_from(number(4), 9).map(|rows| rows.len()), Some(2));
    }
}
