//! Where a stream's rows lie.

use store::{Bytes, KeyPart, KeyReader, StoreError, key, prefix_end};

use crate::{SequenceNumber, ShardId, StreamId};

/// Streams that are to be removed, by id.
pub(crate) const REMOVED: &str = "stream-removed";

/// The common beginnings of a stream's keys.
#[derive(Debug)]
pub(crate) struct Rows {
    /// [`crate::Shard`]s as JSON, by number.
    pub(crate) shards: Bytes,
    /// Rows of records, by shard and the number of their last record.
    pub(crate) records: Bytes,
    /// What does not fit into a row's first value, by (shard, number, part).
    pub(crate) parts: Bytes,
    /// The last number that expired, by shard: numbers must grow even when nothing is left.
    pub(crate) trimmed: Bytes,
    /// A row of its own: what arrived then or before does not come back when the retention grows.
    pub(crate) floor: Bytes,
}

impl Rows {
    pub(crate) fn new(id: &StreamId) -> Self {
        let prefix = |table: &str| key(&[table.into(), (&id.0).into()]);
        Self {
            shards: prefix("stream-shard"),
            records: prefix("stream-record"),
            parts: prefix("stream-part"),
            trimmed: prefix("stream-trimmed"),
            floor: prefix("stream-floor"),
        }
    }

    /// All of them; the shards go last.
    pub(crate) fn all(&self) -> [&Bytes; 5] {
        let Self { shards, records, parts, trimmed, floor } = self;
        [parts, records, trimmed, floor, shards]
    }

    /// How long the key of a row of records is, and what stands before its first record.
    pub(crate) fn key_bytes(&self) -> usize {
        self.record(ShardId(0), SequenceNumber::ZERO).len() + crate::row::HEADER
    }

    pub(crate) fn shard(&self, shard: ShardId) -> Bytes {
        under(&self.shards, &[u64::from(shard.0).into()])
    }

    pub(crate) fn trimmed_of(&self, shard: ShardId) -> Bytes {
        under(&self.trimmed, &[u64::from(shard.0).into()])
    }

    /// The key of the row that ends with this record.
    pub(crate) fn record(&self, shard: ShardId, last: SequenceNumber) -> Bytes {
        at(&self.records, shard, last, None)
    }

    /// The keys of all rows of a shard that have records from `from` on.
    pub(crate) fn records_from(&self, shard: ShardId, from: SequenceNumber) -> (Bytes, Bytes) {
        (self.record(shard, from), prefix_end(&under(&self.records, &[u64::from(shard.0).into()])))
    }

    /// The keys of the parts of all rows that end with `last` or before it.
    pub(crate) fn parts_to(&self, shard: ShardId, last: SequenceNumber) -> (Bytes, Bytes) {
        (under(&self.parts, &[u64::from(shard.0).into()]), prefix_end(&at(&self.parts, shard, last, None)))
    }

    /// The keys of the parts of one row.
    pub(crate) fn parts_of(&self, shard: ShardId, last: SequenceNumber) -> (Bytes, Bytes) {
        let prefix = at(&self.parts, shard, last, None);
        let end = prefix_end(&prefix);
        (prefix, end)
    }

    pub(crate) fn part(&self, shard: ShardId, last: SequenceNumber, index: u16) -> Bytes {
        at(&self.parts, shard, last, Some(index))
    }

    /// The number in the key of a row of records.
    pub(crate) fn last_of(&self, row: &[u8]) -> Result<SequenceNumber, StoreError> {
        let mut reader = KeyReader::new(row.get(self.records.len()..).unwrap_or_default());
        let (_shard, high, low) = (reader.u64()?, reader.u64()?, reader.u64()?);
        Ok(SequenceNumber(u128::from(high) << 64 | u128::from(low)))
    }
}

/// The key of a stream that is to be removed.
pub(crate) fn removed(id: &StreamId) -> Bytes {
    key(&[REMOVED.into(), (&id.0).into()])
}

/// The least key after this one.
pub(crate) fn next_key(key: &[u8]) -> Bytes {
    [key, &[0]].concat().into()
}

#[expect(clippy::cast_possible_truncation, reason = "the number is taken in two halves")]
fn at(prefix: &[u8], shard: ShardId, last: SequenceNumber, index: Option<u16>) -> Bytes {
    let number = [u64::from(shard.0), (last.0 >> 64) as u64, last.0 as u64];
    let parts: Vec<KeyPart<'_>> = number.into_iter().chain(index.map(u64::from)).map(KeyPart::from).collect();
    under(prefix, &parts)
}

fn under(prefix: &[u8], parts: &[KeyPart<'_>]) -> Bytes {
    [prefix, &key(parts)].concat().into()
}
