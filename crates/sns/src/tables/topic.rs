//! Topics.

use std::collections::BTreeMap;

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::Table;

/// By account, region and name.
pub(crate) static TOPICS: Table<TopicRecord> = Table::of_large_records("sns-topic");

/// A topic as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TopicRecord {
    /// Names what belongs to this topic alone, such as its sequence numbers: a topic that is deleted and made again
    /// has another one.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// What was set, by AWS's names.
    pub(crate) attributes: BTreeMap<String, String>,
    /// In the order in which they were given.
    pub(crate) tags: Vec<(String, String)>,
    /// How many subscriptions were deleted.
    pub(crate) subscriptions_deleted: u64,
}

/// "By default, a message can be at most 256 KiB in size" (API reference, `Publish`).
const MESSAGE_BYTES_DEFAULT: usize = 262_144;

impl TopicRecord {
    /// An attribute that was set.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.attribute("FifoTopic") == Some("true")
    }

    pub(crate) fn deduplicates_by_content(&self) -> bool {
        self.attribute("ContentBasedDeduplication") == Some("true")
    }

    /// Whether duplicates are looked for within a message group only.
    pub(crate) fn deduplicates_within_groups(&self) -> bool {
        self.attribute("FifoThroughputScope") == Some("MessageGroup")
    }

    /// The most bytes that a message with its attributes may have.
    pub(crate) fn message_bytes_max(&self) -> usize {
        self.attribute("MaximumMessageSize")
            .and_then(|text| text.parse().ok())
            .unwrap_or(MESSAGE_BYTES_DEFAULT)
    }

    /// "The default is 1" (API reference, `SetTopicAttributes`, `SignatureVersion`).
    pub(crate) fn signature_version(&self) -> &str {
        self.attribute("SignatureVersion").unwrap_or("1")
    }
}
