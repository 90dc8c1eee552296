//! Publications that are too large for one commit: first they are written down, then delivered in steps.

use serde::{Deserialize, Serialize};
use store::Table;

use crate::message::Publication;
use crate::topic::TopicKey;

/// By the message's id.
pub(crate) static PUBLICATIONS: Table<Publication> = Table::of_large_records("sns-publication");

/// How far they are: by the topic's id, a number that grows, and the message's id.
pub(crate) static PROGRESS: Table<Progress> = Table::new("sns-progress");

/// How far a publication is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) topic: TopicKey,
    /// All subscriptions up to this id have been served.
    pub(crate) after: Option<String>,
}
