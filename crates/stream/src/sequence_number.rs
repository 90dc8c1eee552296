//! The order of records.

use std::fmt;
use std::str::FromStr;

use clock::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ShardId;

/// Where a record stands in its shard: strictly increasing within a shard, and larger in a child than in its parents.
/// Written as 56 decimal digits that begin with 49, as AWS's are.
///
/// From the top: 64 bits of milliseconds since the Unix epoch, 32 bits that count within one, 32 bits with the shard.
/// When the clock stands or goes back the count goes on, into the next millisecond if it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(pub u128);

/// A text that is no sequence number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number")]
pub struct ParseSequenceNumberError;

const MILLIS_SHIFT: u32 = 64;
const COUNT_SHIFT: u32 = 32;

impl SequenceNumber {
    /// Before all others.
    pub(crate) const ZERO: Self = Self(0);
    /// From one number of a shard to the next one that is possible.
    pub(crate) const STEP: u128 = 1 << COUNT_SHIFT;

    /// When the record arrived, in whole milliseconds.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.0 >> MILLIS_SHIFT).unwrap_or(i64::MAX))
    }

    /// The shard whose record has it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits are the shard")]
    pub const fn shard(self) -> ShardId {
        ShardId(self.0 as u32)
    }

    /// Before all that arrive at `moment` or later. Times of arrival are whole milliseconds.
    pub(crate) fn from(moment: Timestamp) -> Self {
        let millis = moment.as_micros().max(0).unsigned_abs().div_ceil(1_000);
        Self(u128::from(millis) << MILLIS_SHIFT)
    }

    /// Before all that arrive in a later millisecond than `moment`'s.
    pub(crate) fn past(moment: Timestamp) -> Self {
        let millis = u64::try_from(moment.as_millis()).map_or(0, |millis| millis + 1);
        Self(u128::from(millis) << MILLIS_SHIFT)
    }

    /// The least number of `shard` that is larger than this one and not of before `now`.
    pub(crate) fn successor(self, now: Timestamp, shard: ShardId) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let counted = (self.0 >> COUNT_SHIFT) + 1;
        let counted = counted.max(u128::from(millis) << (MILLIS_SHIFT - COUNT_SHIFT));
        Self(counted << COUNT_SHIFT | u128::from(shard.0))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "49{:054}", self.0)
    }
}

impl FromStr for SequenceNumber {
    type Err = ParseSequenceNumberError;

    fn from_str(text: &str) -> Result<Self, ParseSequenceNumberError> {
        let digits =
            text.strip_prefix("49").filter(|digits| digits.len() == 54).ok_or(ParseSequenceNumberError)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseSequenceNumberError);
        }
        digits.parse().map(Self).map_err(|_too_large| ParseSequenceNumberError)
    }
}

impl Serialize for SequenceNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SequenceNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back_and_order_as_their_texts(left: u128, right: u128) {
            let (left, right) = (SequenceNumber(left), SequenceNumber(right));
            prop_assert_eq!(left.to_string().parse(), Ok(left));
            prop_assert_eq!(left.to_string().len(), 56);
            prop_assert_eq!(left.to_string().cmp(&right.to_string()), left.cmp(&right));
        }

        #[test]
        fn any_other_text_is_refused(text in "(49)?[0-9+ -]{0,60}|.{0,60}") {
            if let Ok(number) = text.parse::<SequenceNumber>() {
                prop_assert_eq!(number.to_string(), text);
            }
        }

        #[test]
        fn a_successor_is_larger_and_not_of_before_now(last in 0..u128::MAX / 2, millis in 0..1_i64 << 50, shard: u32) {
            let (last, now) = (SequenceNumber(last), Timestamp::from_millis(millis));
            let next = last.successor(now, ShardId(shard));
            prop_assert!(next > last);
            prop_assert!(next.arrived() >= now);
            prop_assert_eq!(next.shard(), ShardId(shard));
            prop_assert_eq!(next.successor(now, ShardId(shard)).0 - next.0, SequenceNumber::STEP);
        }
    }

    #[test]
    fn a_moment_divides_the_numbers() {
        let (shard, before) = (ShardId(7), Timestamp::from_micros(1_999));
        let number = SequenceNumber::ZERO.successor(before, shard);
        assert_eq!(number.arrived(), Timestamp::from_millis(1));
        assert!(SequenceNumber::from(number.arrived()) <= number);
        assert!(SequenceNumber::past(number.arrived()) > number);
        assert!(SequenceNumber::from(Timestamp::from_micros(1_001)) > number);
        assert_eq!(SequenceNumber::past(before), SequenceNumber::from(Timestamp::from_millis(2)));
        assert_eq!(SequenceNumber::from(Timestamp::from_micros(-5)), SequenceNumber::ZERO);
    }
}
