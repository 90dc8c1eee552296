//! Where a reader stands.

use clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::SequenceNumber;

/// A place in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// Before the oldest record that is kept.
    TrimHorizon,
    /// After the newest record of now.
    Latest,
    /// Before the first record that arrived at this time or later.
    AtTimestamp(Timestamp),
    /// Before this record.
    At(SequenceNumber),
    /// After this record.
    After(SequenceNumber),
}
