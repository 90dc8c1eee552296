//! The causal story of events and messages, as it happens.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use clock::Timestamp;
use ids::{AccountId, FunctionArn, Region};
use serde::{Deserialize, Serialize};

/// One thing that happened to an event or a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Whose account.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// The request id of an event, or the id of a message: the subject of the story.
    pub subject: String,
    /// Where it was: the ARN of the function, queue or topic.
    pub resource: String,
    /// What happened.
    pub what: What,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// It was accepted: the caller's request has been answered.
    Accepted {
        /// Who sent it: an ARN.
        by: String,
        /// The request or message that it comes from.
        from: Option<String>,
        /// How large it is.
        size_bytes: u64,
    },
    /// A function ran.
    Attempted(Attempted),
    /// It was turned away and waits: no concurrency, or the system failed.
    Deferred {
        /// Why.
        reason: String,
    },
    /// It waits for its next attempt or delivery.
    Waits {
        /// Until when.
        until: Timestamp,
        /// Why, in a few words.
        reason: String,
    },
    /// A consumer received the message.
    Received {
        /// For the how manieth time.
        count: u32,
    },
    /// Its visibility timeout ended, or was ended, without a deletion: it can be received again.
    Returned,
    /// A consumer deleted the message.
    Deleted,
    /// It went on to another place.
    Sent {
        /// An ARN or an address.
        to: String,
        /// What for: `dead-letter queue`, `destination`, `subscription`, `redrive`.
        role: String,
        /// The id it has there: the subject of its further story.
        id: String,
    },
    /// It could not be sent there.
    NotSent {
        /// An ARN or an address.
        to: String,
        /// What for.
        role: String,
        /// Why not.
        reason: String,
    },
    /// Nothing more happens to it.
    Ended {
        /// `Success`, or why it was given up: `RetriesExhausted`, `EventAgeExceeded`, ...
        condition: String,
    },
}

/// One attempt to run a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempted {
    /// 1 for the first.
    pub number: u32,
    /// The version that ran.
    pub version: String,
    /// How long it ran.
    pub duration: Duration,
    /// Whether an environment was started for it.
    pub cold: bool,
    /// The error's type and message, if it failed.
    pub error: Option<(String, String)>,
    /// How many items of its batch it reported as failed, though it succeeded.
    #[serde(default)]
    pub failed_items: usize,
    /// Where its log lines are.
    pub log_group: String,
    /// The stream names the environment.
    pub log_stream: String,
}

/// An event that was given up, kept so that it can be replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedEvent {
    /// Its request id.
    pub id: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The function as it was addressed.
    pub function: FunctionArn,
    /// Why it was given up.
    pub condition: String,
    /// The last error's type and message.
    pub error: Option<(String, String)>,
    /// The event.
    #[serde(with = "payload")]
    pub payload: Bytes,
}

/// Implemented by `trace`.
pub trait RecordTrace: Send + Sync + Debug {
    /// Takes a step over without waiting. Under a load that the disk cannot keep up with steps are left out, and
    /// counted.
    fn record(&self, step: Step);

    /// Whether steps are left out at present, so that making one is in vain.
    fn is_overloaded(&self) -> bool;

    /// Keeps a failed event. Never left out; the oldest go when there are too many.
    fn keep(&self, event: FailedEvent);
}

/// Events are JSON documents; as text they can be read by eye.
mod payload {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(payload))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}
