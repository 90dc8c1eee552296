//! The order of records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a record stands in its shard: strictly increasing within a shard, and larger in a child than in its parents.
/// Written as 56 decimal digits that begin with 49, as AWS's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceNumber(pub u128);

/// A text that is no sequence number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sequence number")]
pub struct ParseSequenceNumberError;

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
