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
    /// The number in a shard's name: `shardId-000000000000`, or any other prefix, or none (recorded by a public test suite).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.split_once('-').map_or(text, |(_, digits)| digits);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|_| is_number)
            .filter(|number| *number <= i32::MAX.unsigned_abs())
            .map(Self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_by_their_numbers() {
        for (text, number) in [
            ("shardId-000000000007", Some(7)),
            ("shardId-7", Some(7)),
            ("a-7", Some(7)),
            ("7", Some(7)),
            ("2147483647", Some(2_147_483_647)),
            ("2147483648", None),
            ("shardId-", None),
            ("shardId-+7", None),
            ("-", None),
            ("seven", None),
            ("", None),
        ] {
            assert_eq!(ShardId::parse(text), number.map(ShardId), "{text}");
        }
    }
}
