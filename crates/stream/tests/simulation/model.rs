//! What must be true of a stream, whatever happens to it.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Timestamp;
use stream::{Put, PutFailure, Read, Record, SequenceNumber, Shard, ShardId};

/// A record, by what its data begins with.
#[derive(Debug)]
struct Known {
    key: String,
    hash_key: u128,
    /// The largest number that a record of this key was known to have when this one was asked for.
    after: Option<SequenceNumber>,
    fate: Fate,
    /// Where it was seen.
    place: Option<(ShardId, SequenceNumber)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It may be there.
    Open,
    /// It is there.
    Accepted,
    /// It must not be there.
    Refused,
}

/// What is known of a shard.
#[derive(Debug, Default)]
struct Content {
    records: BTreeMap<SequenceNumber, u64>,
    /// What somebody has read, from the first number to the last.
    passed: Vec<(SequenceNumber, SequenceNumber)>,
}

/// A moment at which something was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    now: Timestamp,
    retention: Duration,
    floor: Option<Timestamp>,
    /// Records with smaller numbers in order of acceptance had been accepted.
    accepted: u64,
}

#[derive(Debug)]
pub(crate) struct Model {
    records: BTreeMap<u64, Known>,
    shards: BTreeMap<ShardId, Shard>,
    contents: BTreeMap<ShardId, Content>,
    last_of_key: BTreeMap<String, SequenceNumber>,
    pub(crate) retention: Duration,
    /// What arrived then or before must not come back.
    floor: Option<Timestamp>,
    /// When each was accepted, counted.
    accepted: BTreeMap<u64, u64>,
}

pub(crate) fn number_in(data: &[u8]) -> u64 {
    let text = std::str::from_utf8(&data[..20]).unwrap();
    text.trim_start().parse().unwrap()
}

impl Model {
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            records: BTreeMap::new(),
            shards: BTreeMap::new(),
            contents: BTreeMap::new(),
            last_of_key: BTreeMap::new(),
            retention,
            floor: None,
            accepted: BTreeMap::new(),
        }
    }

    /// The beginning of the data of a record that is about to be put.
    pub(crate) fn begin_put(&mut self, key: &str, hash_key: u128) -> String {
        let number = self.records.len() as u64;
        let after = self.last_of_key.get(key).copied();
        let known = Known { key: key.to_owned(), hash_key, after, fate: Fate::Open, place: None };
        self.records.insert(number, known);
        format!("{number:20}")
    }

    pub(crate) fn end_put(&mut self, data: &[u8], result: Result<&Put, PutFailure>) {
        let number = number_in(data);
        match result {
            Err(PutFailure::Internal) => {}
            Err(PutFailure::Throttled(_) | PutFailure::Ordering) => {
                let known = self.records.get_mut(&number).unwrap();
                known.fate = Fate::Refused;
                assert_eq!(known.place, None, "{number} was refused");
            }
            Ok(Put { shard, sequence_number }) => {
                self.place(number, *shard, *sequence_number);
                let count = self.accepted.len() as u64;
                self.accepted.insert(number, count);
                let known = self.records.get_mut(&number).unwrap();
                known.fate = Fate::Accepted;
                assert!(known.after < Some(*sequence_number), "{number} is not after those before it");
                let last = self.last_of_key.entry(known.key.clone()).or_insert(*sequence_number);
                *last = (*last).max(*sequence_number);
            }
        }
    }

    pub(crate) fn refuse(&mut self, data: &[u8]) {
        let known = self.records.get_mut(&number_in(data)).unwrap();
        known.fate = Fate::Refused;
        assert_eq!(known.place, None);
    }

    /// The record is there.
    fn place(&mut self, number: u64, shard: ShardId, sequence_number: SequenceNumber) {
        let known = self.records.get_mut(&number).unwrap();
        assert_ne!(known.fate, Fate::Refused, "{number} is there though it was refused");
        let place = *known.place.get_or_insert((shard, sequence_number));
        assert_eq!(place, (shard, sequence_number), "{number} is in two places");
        assert_eq!(sequence_number.shard(), shard);
        if let Some(Shard { hash_keys, starting, closed, .. }) = self.shards.get(&shard) {
            assert!(hash_keys.contains(&known.hash_key), "{number} is in the wrong shard");
            assert!(sequence_number > *starting);
            assert!(closed.is_none_or(|(ending, _)| sequence_number < ending), "{number} is after the end");
        }
        let content = self.contents.entry(shard).or_default();
        if let Some(before) = content.records.insert(sequence_number, number) {
            assert_eq!(before, number, "{sequence_number} was given twice");
        } else {
            let is_late = content.passed.iter().any(|(from, to)| (from..=to).contains(&&sequence_number));
            assert!(!is_late, "{number} came where somebody had read already");
        }
    }

    pub(crate) fn ask(&self, now: Timestamp) -> Asked {
        let accepted = self.accepted.len() as u64;
        Asked { now, retention: self.retention, floor: self.floor, accepted }
    }

    /// `from` is the first number that was asked for, `is_all` whether the read went to the tip.
    pub(crate) fn end_read(
        &mut self,
        asked: Asked,
        now: Timestamp,
        shard: ShardId,
        from: SequenceNumber,
        read: &Read,
        is_all: bool,
    ) {
        let hidden_to = asked.floor.max(Some(asked.now - asked.retention.max(self.retention)));
        for Record { sequence_number, data, arrived, .. } in &read.records {
            assert!(Some(*arrived) > hidden_to, "a record is read that has expired");
            assert_eq!(*arrived, sequence_number.arrived());
            assert!(*sequence_number >= from);
            self.place(number_in(data), shard, *sequence_number);
        }
        let numbers: Vec<_> = read.records.iter().map(|record| record.sequence_number).collect();
        assert!(numbers.is_sorted_by(|left, right| left < right), "out of order");
        // What can have expired need not be there.
        let shown_from = self.floor.max(Some(now - asked.retention.min(self.retention)));
        let content = self.contents.entry(shard).or_default();
        let to = if is_all { SequenceNumber(u128::MAX) } else { *numbers.last().unwrap() };
        for (number, record) in content.records.range(from..=to) {
            let is_accepted = self.accepted.get(record).is_some_and(|count| *count < asked.accepted);
            let is_passed = numbers.last().is_some_and(|last| number < last);
            let is_kept = Some(number.arrived()) > shown_from;
            let is_read = numbers.binary_search(number).is_ok();
            assert!(is_read || !is_kept || !(is_accepted || is_passed), "{record} was left out");
        }
        let passed = if read.is_end { Some(SequenceNumber(u128::MAX)) } else { numbers.last().copied() };
        content.passed.extend(passed.map(|to| (from, to)));
        assert!(is_all || !read.is_end);
    }

    pub(crate) fn end_shards(&mut self, shards: &[Shard]) {
        for shard in shards {
            let mut known = self.shards.entry(shard.id).or_insert_with(|| shard.clone()).clone();
            known.closed = known.closed.or(shard.closed);
            // An answer may come late, but what is closed stays so.
            let now = Shard { closed: known.closed, ..shard.clone() };
            assert_eq!(known, now, "a shard has changed");
            assert!(shard.closed.is_none() || shard.closed == known.closed);
            for parent in [shard.parent, shard.adjacent_parent].into_iter().flatten() {
                if let Some(parent) = shards.iter().find(|shard| shard.id == parent) {
                    assert!(parent.closed.unwrap().0 < shard.starting);
                }
            }
            self.shards.insert(shard.id, known);
        }
        let mut open: Vec<_> = shards.iter().filter(|shard| shard.closed.is_none()).collect();
        open.sort_by_key(|shard| *shard.hash_keys.start());
        let ends = open.windows(2).map(|pair| (*pair[0].hash_keys.end(), *pair[1].hash_keys.start()));
        assert!(ends.into_iter().all(|(end, start)| end + 1 == start), "{open:?}");
        assert_eq!(open.first().map(|first| *first.hash_keys.start()), Some(0));
        assert_eq!(open.last().map(|last| *last.hash_keys.end()), Some(u128::MAX));
    }

    pub(crate) fn lengthen(&mut self, floor: Timestamp, retention: Duration) {
        self.floor = self.floor.max(Some(floor));
        self.retention = retention;
    }

    /// The last record of the shard that was accepted and cannot have expired.
    pub(crate) fn last_accepted(&self, shard: ShardId, now: Timestamp) -> Option<SequenceNumber> {
        let records = &self.contents.get(&shard)?.records;
        let accepted = records.iter().rev().filter(|(_, record)| self.accepted.contains_key(record));
        let kept_from = self.floor.max(Some(now - self.retention));
        accepted.map(|(number, _)| *number).find(|number| Some(number.arrived()) > kept_from)
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.len()
    }
}
