//! Records, as they come and go.

use bytes::Bytes;
use clock::Timestamp;

use crate::{SequenceNumber, ShardId};

/// A record to be put.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// What chooses the shard, unless there is an explicit hash key.
    pub partition_key: String,
    /// Chooses the shard.
    pub explicit_hash_key: Option<u128>,
    /// Its number must be larger than this one.
    pub larger_than: Option<SequenceNumber>,
    /// The data.
    pub data: Bytes,
}

/// A record that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where it lies.
    pub shard: ShardId,
    /// Where it stands there.
    pub sequence_number: SequenceNumber,
}

/// A record that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutFailure {
    /// Its shard has had 1,000 records or 1 MiB in this second.
    Throttled(ShardId),
    /// It is to be larger than a number that is not given yet.
    Ordering,
    /// The store failed: it may be there or not.
    Internal,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub sequence_number: SequenceNumber,
    /// What chose the shard.
    pub partition_key: String,
    /// The data.
    pub data: Bytes,
    /// When it was accepted.
    pub arrived: Timestamp,
}

/// How much is read at a time. At least one record is read, however large.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// At most this many.
    pub records: usize,
    /// At most this much data.
    pub bytes: usize,
}

/// What a read brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// In order.
    pub records: Vec<Record>,
    /// Where to go on: after the last of them.
    pub next: crate::Position,
    /// The shard is closed, and nothing comes after these.
    pub is_end: bool,
    /// How old the first record is that comes after these; zero at the tip.
    pub behind: std::time::Duration,
}
