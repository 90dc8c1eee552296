//! The order of FIFO topics, and what was published to them in the last minutes.

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::Table;

/// The last sequence number, by the topic's id.
pub(crate) static SEQUENCES: Table<u64> = Table::new("sns-sequence");

/// What was published, by the topic's id and the hash of what makes duplicates.
pub(crate) static RECENT: Table<Recent> = Table::new("sns-recent");

/// When rows of [`RECENT`] may go: by the topic's id, the moment, and the hash.
pub(crate) static RECENT_ENDS: Table<()> = Table::new("sns-recent-end");

/// A message whose duplicates are not delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    pub(crate) message_id: String,
    pub(crate) sequence_number: u64,
    /// When the next one of its kind is none.
    pub(crate) until: Timestamp,
}
