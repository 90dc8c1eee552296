//! What a stream consists of.

use std::fmt;
use std::ops::RangeInclusive;

use clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::SequenceNumber;

/// A shard's number within its stream: never used again. Written as `shardId-000000000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardId(pub u32);

impl ShardId {
    /// The number in a shard's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("shardId-").filter(|digits| digits.len() == 12)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

/// A shard as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number.
    pub id: ShardId,
    /// The shard it was split from, or one of the two it was merged from.
    pub parent: Option<ShardId>,
    /// The other one that it was merged from.
    pub adjacent_parent: Option<ShardId>,
    /// The hash keys of its records.
    pub hash_keys: RangeInclusive<u128>,
    /// No record of it is before this one.
    pub starting: SequenceNumber,
    /// When it was made.
    pub created: Timestamp,
    /// After a split or merge: the last number it gives, and when that was.
    pub closed: Option<(SequenceNumber, Timestamp)>,
}
