//! Log streams, by name and by their newest event.

use serde::{Deserialize, Serialize};
use store::Table;

/// A log stream; its key is (group's id, name).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    /// No stored event is older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_event_ms: Option<i64>,
    /// No stored event is newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_event_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_ingestion_ms: Option<i64>,
    /// The number of the next chunk; the first is 1.
    pub(crate) next_sequence: u64,
}

impl Stream {
    pub(crate) fn new(id: u64, created_ms: i64) -> Self {
        Self {
            id,
            created_ms,
            first_event_ms: None,
            last_event_ms: None,
            last_ingestion_ms: None,
            next_sequence: 1,
        }
    }

    /// Where it stands in [`RECENT`].
    pub(crate) fn recency(&self) -> i64 {
        self.last_event_ms.unwrap_or(NO_EVENT_YET)
    }
}

pub(crate) const STREAMS: Table<Stream> = Table::new("log-stream");

/// The streams of a group by their newest event; the key is (group's id, that event's time, name).
pub(crate) const RECENT: Table<()> = Table::new("log-stream-recent");

/// Stands in [`RECENT`] for the time of the newest event of a stream that has none.
pub(crate) const NO_EVENT_YET: i64 = i64::MIN;
