//! Records as they are stored: those that a shard gets in one commit are one row.
//!
//! A row is the number of its further parts, the number of its records (16 bits each), and the records: the lengths of
//! key and data (32 bits each), then both. The key of the row has the number of the last record; those before it follow
//! one another without a gap. All numbers are big-endian.

use store::{Bytes, Limits, Mutation, Snapshot, StoreError};

use crate::rows::Rows;
use crate::{NewRecord, Record, SequenceNumber, ShardId};

/// What stands before the first record.
pub(crate) const HEADER: usize = 4;
const RECORD_HEADER: usize = 8;
const VALUE_MAX: usize = Limits::PORTABLE.value_bytes;

/// A row of records. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The number of the last record.
    pub(crate) last: SequenceNumber,
    whole: Bytes,
}

/// How long the record is in a row.
pub(crate) fn encoded_bytes(record: &NewRecord) -> usize {
    RECORD_HEADER + record.partition_key.len() + record.data.len()
}

/// A row that grows.
#[derive(Debug)]
pub(crate) struct Growing {
    last: SequenceNumber,
    count: u16,
    whole: Vec<u8>,
}

impl Growing {
    pub(crate) fn new(first: SequenceNumber, record: &NewRecord) -> Self {
        let mut row = Self { last: first, count: 0, whole: vec![0; HEADER] };
        row.add(first, record);
        row
    }

    /// Adds the record if there is room for it and it follows the last one without a gap.
    pub(crate) fn push(&mut self, number: SequenceNumber, record: &NewRecord) -> bool {
        let fits = self.whole.len() + encoded_bytes(record) <= VALUE_MAX
            && self.last.0.checked_add(SequenceNumber::STEP) == Some(number.0);
        if fits {
            self.add(number, record);
        }
        fits
    }

    fn add(&mut self, number: SequenceNumber, record: &NewRecord) {
        let NewRecord { partition_key, data, .. } = record;
        self.whole.reserve(encoded_bytes(record));
        // No request is anywhere near so large.
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.whole.extend_from_slice(&length(partition_key.as_bytes()));
        self.whole.extend_from_slice(&length(data));
        self.whole.extend_from_slice(partition_key.as_bytes());
        self.whole.extend_from_slice(data);
        self.count += 1;
        self.last = number;
    }

    pub(crate) fn finish(mut self) -> Row {
        let parts = (self.whole.len() - 1) / VALUE_MAX;
        let parts = u16::try_from(parts).unwrap_or(u16::MAX);
        self.whole[..2].copy_from_slice(&parts.to_be_bytes());
        self.whole[2..HEADER].copy_from_slice(&self.count.to_be_bytes());
        // What is kept in memory is counted by its length.
        self.whole.shrink_to_fit();
        Row { last: self.last, whole: self.whole.into() }
    }
}

impl Row {
    pub(crate) const fn bytes(&self) -> usize {
        self.whole.len()
    }

    /// How many records it has.
    pub(crate) fn count(&self) -> u16 {
        half(&self.whole, 2)
    }

    /// Adds: write its first value.
    pub(crate) fn put(&self, mutations: &mut Vec<Mutation>, rows: &Rows, shard: ShardId) {
        let value = self.whole.slice(..self.whole.len().min(VALUE_MAX));
        mutations.push(Mutation::Put(rows.record(shard, self.last), value));
    }

    /// What is written beside it.
    pub(crate) fn parts(&self, rows: &Rows, shard: ShardId) -> impl Iterator<Item = Mutation> {
        (0..parts_of(&self.whole)).map(move |index| {
            let start = (usize::from(index) + 1) * VALUE_MAX;
            let value = self.whole.slice(start..self.whole.len().min(start + VALUE_MAX));
            Mutation::Put(rows.part(shard, self.last, index), value)
        })
    }

    /// Puts together what was read.
    pub(crate) async fn assemble(
        snapshot: &dyn Snapshot,
        rows: &Rows,
        shard: ShardId,
        entry: &store::Entry,
    ) -> Result<Self, StoreError> {
        let last = rows.last_of(&entry.key)?;
        let parts = parts_of(&entry.value);
        if parts == 0 {
            return Ok(Self { last, whole: entry.value.clone() });
        }
        let (from, to) = rows.parts_of(shard, last);
        // There may be more than belong to it: left by a put that never came to its end.
        let further = snapshot.range(&from, &to, usize::from(parts), false).await?;
        let mut whole = Vec::with_capacity(VALUE_MAX * (further.len() + 1));
        whole.extend_from_slice(&entry.value);
        further.iter().for_each(|part| whole.extend_from_slice(&part.value));
        Ok(Self { last, whole: whole.into() })
    }

    /// Its records from number `from` on.
    pub(crate) fn records(&self, from: SequenceNumber) -> Records<'_> {
        let count = self.count();
        let before = u128::from(count.saturating_sub(1)) * SequenceNumber::STEP;
        Records { row: self, next: self.last.0.checked_sub(before), left: count, offset: HEADER, from }
    }
}

/// How many parts a row has beside this first value.
pub(crate) fn parts_of(first_value: &[u8]) -> u16 {
    half(first_value, 0)
}

fn half(whole: &[u8], at: usize) -> u16 {
    whole.get(at..at + 2).and_then(<[u8]>::first_chunk).map_or(0, |half| u16::from_be_bytes(*half))
}

/// See [`Row::records`].
#[derive(Debug)]
pub(crate) struct Records<'a> {
    row: &'a Row,
    /// `None` when the row has more records than there are numbers before its last.
    next: Option<u128>,
    left: u16,
    offset: usize,
    from: SequenceNumber,
}

impl Records<'_> {
    /// The next one's number, and where its key and data lie.
    fn step(&mut self) -> Option<(SequenceNumber, usize, usize, usize)> {
        let whole = &self.row.whole;
        let header = whole.get(self.offset..self.offset.checked_add(RECORD_HEADER)?)?;
        let key = self.offset + RECORD_HEADER;
        let data = key.checked_add(u32::from_be_bytes(*header.first_chunk()?) as usize)?;
        let end = data.checked_add(u32::from_be_bytes(*header.last_chunk()?) as usize)?;
        if end > whole.len() {
            return None;
        }
        let number = self.next?;
        self.left -= 1;
        self.offset = end;
        self.next = number.checked_add(SequenceNumber::STEP);
        Some((SequenceNumber(number), key, data, end))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            let damaged = || StoreError::Damaged("a row of a stream's records".to_owned());
            let Some((sequence_number, key, data, end)) = self.step() else {
                self.left = 0;
                return Some(Err(damaged()));
            };
            if sequence_number < self.from {
                continue;
            }
            let Ok(partition_key) = std::str::from_utf8(&self.row.whole[key..data]) else {
                self.left = 0;
                return Some(Err(damaged()));
            };
            return Some(Ok(Record {
                sequence_number,
                partition_key: partition_key.to_owned(),
                data: self.row.whole.slice(data..end),
                arrived: sequence_number.arrived(),
            }));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use clock::Timestamp;
    use proptest::prelude::*;
    use store::{MemoryStore, Store, Transaction};

    use super::*;
    use crate::StreamId;

    const SHARD: ShardId = ShardId(3);

    fn first() -> SequenceNumber {
        SequenceNumber::ZERO.successor(Timestamp::from_millis(1_700_000_000_000), SHARD)
    }

    fn record(partition_key: String, data: Vec<u8>) -> NewRecord {
        NewRecord { partition_key, explicit_hash_key: None, larger_than: None, data: data.into() }
    }

    fn number(index: usize) -> SequenceNumber {
        SequenceNumber(first().0 + index as u128 * SequenceNumber::STEP)
    }

    proptest! {
        #[test]
        fn records_are_read_back_from_any_of_them_on(
            records in prop::collection::vec((".{0,40}", prop::collection::vec(any::<u8>(), 0..200)), 1..40),
            skipped in 0_usize..45,
        ) {
            let records: Vec<_> = records.into_iter().map(|(key, data)| record(key, data)).collect();
            let mut growing = Growing::new(number(0), &records[0]);
            for (index, record) in records.iter().enumerate().skip(1) {
                prop_assert!(growing.push(number(index), record));
            }
            prop_assert!(!growing.push(number(records.len() + 1), &records[0]));
            let row = growing.finish();
            prop_assert_eq!((usize::from(row.count()), row.last), (records.len(), number(records.len() - 1)));
            let read: Vec<Record> = row.records(number(skipped)).map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), records.len().saturating_sub(skipped));
            for (index, (read, put)) in read.iter().zip(records.iter().skip(skipped)).enumerate() {
                prop_assert_eq!(&read.data, &put.data);
                prop_assert_eq!(&read.partition_key, &put.partition_key);
                prop_assert_eq!(read.sequence_number, number(skipped + index));
            }
        }

        #[test]
        fn damaged_rows_are_refused_not_panicked_on(
            mut whole in prop::collection::vec(any::<u8>(), 0..60),
            is_small in any::<bool>(),
            last in prop_oneof![Just(0), Just(first().0), Just(u128::MAX)],
        ) {
            if is_small {
                // Lengths that look like some.
                whole.iter_mut().for_each(|byte| *byte %= 3);
            }
            let row = Row { last: SequenceNumber(last), whole: whole.into() };
            let read: Vec<_> = row.records(SequenceNumber::ZERO).collect();
            prop_assert!(read.len() <= usize::from(row.count()));
            let failed = read.iter().position(Result::is_err);
            prop_assert!(failed.is_none_or(|index| index + 1 == read.len()));
            let _parts = parts_of(&row.whole);
        }

        #[test]
        fn a_row_that_was_cut_is_refused(size in 0_usize..100, cut in 1_usize..100) {
            let row = Growing::new(number(0), &record("key".to_owned(), vec![7; size])).finish();
            let cut = cut.min(row.whole.len());
            let row = Row { whole: row.whole.slice(..row.whole.len() - cut), ..row };
            prop_assert!(row.records(SequenceNumber::ZERO).all(|read| read.is_err()));
        }
    }

    #[tokio::test]
    async fn any_size_is_stored_and_put_together_again() {
        let rows = Rows::new(&StreamId("s".to_owned()));
        for size in [0, 1, 65_520, 65_521, 65_522, 131_057, 131_058, 10 << 20] {
            let store = MemoryStore::new();
            let row = Growing::new(number(0), &record("key".to_owned(), vec![7; size])).finish();
            let mut transaction = Transaction::new();
            row.put(&mut transaction.mutations, &rows, SHARD);
            store.commit(transaction).await.unwrap();
            for part in row.parts(&rows, SHARD) {
                store.commit(Transaction::new().mutate(part)).await.unwrap();
            }
            // What an earlier put left.
            let stale = Mutation::Put(rows.part(SHARD, row.last, u16::MAX), Bytes::from_static(b"x"));
            store.commit(Transaction::new().mutate(stale)).await.unwrap();
            let snapshot = store.snapshot().await.unwrap();
            let entry = snapshot.get(&rows.record(SHARD, row.last)).await.unwrap().unwrap();
            assert_eq!(Row::assemble(&*snapshot, &rows, SHARD, &entry).await.unwrap(), row, "{size}");
        }
    }

    #[test]
    fn a_row_takes_no_more_than_a_value_holds() {
        let half = record("k".to_owned(), vec![0; VALUE_MAX / 2]);
        let mut growing = Growing::new(number(0), &half);
        assert!(!growing.push(number(1), &half));
        assert_eq!(growing.finish().parts(&Rows::new(&StreamId(String::new())), SHARD).count(), 0);
    }
}
