//! Records as they are stored: those that a shard gets in one commit are one row.
//!
//! A row is the number of its further parts, the number of its records (16 bits each), and the records: the lengths of
//! key and data (16 and 32 bits), then both. The key of the row has the number of the last record; those before it follow
//! one another without a gap. All numbers are big-endian.

use store::{Bytes, Limits, Mutation, Snapshot, StoreError};

use crate::rows::Rows;
use crate::{NewRecord, Record, SequenceNumber, ShardId};

const HEADER: usize = 4;
const RECORD_HEADER: usize = 6;
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
        // The API's limits are far lower; what is cut here would not be found again.
        let key_bytes = u16::try_from(partition_key.len()).unwrap_or(u16::MAX);
        let data_bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.whole.extend_from_slice(&key_bytes.to_be_bytes());
        self.whole.extend_from_slice(&data_bytes.to_be_bytes());
        self.whole.extend_from_slice(&partition_key.as_bytes()[..usize::from(key_bytes)]);
        self.whole.extend_from_slice(&data[..data_bytes as usize]);
        self.count += 1;
        self.last = number;
    }

    pub(crate) fn finish(mut self) -> Row {
        let parts = (self.whole.len() - 1) / VALUE_MAX;
        let parts = u16::try_from(parts).unwrap_or(u16::MAX);
        self.whole[..2].copy_from_slice(&parts.to_be_bytes());
        self.whole[2..HEADER].copy_from_slice(&self.count.to_be_bytes());
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
        let data = key + usize::from(half(header, 0));
        let end = data.checked_add(u32::from_be_bytes(*header[2..].first_chunk()?) as usize)?;
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
