//! Messages, as they come and go.

use std::time::Duration;

use clock::Timestamp;
use targets::Attributes;

/// A message to be sent.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// Its id; the sender's own choice so that it can be told before the commit.
    pub id: String,
    /// The body.
    pub body: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// The unique id of who sends.
    pub sender_id: String,
    /// `None`: the queue's own. In FIFO queues that is the only one.
    pub delay: Option<Duration>,
    /// Required in FIFO queues; a hint of fairness in others.
    pub group_id: Option<String>,
    /// FIFO queues only.
    pub deduplication_id: Option<String>,
    /// Handed on as `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// The ARN of the queue that a redriven message comes from.
    pub dead_letter_source: Option<String>,
    /// The request or message that this comes from, for [`targets::RecordTrace`].
    pub from: Option<String>,
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id: that of the first one, when this one is a duplicate.
    pub id: String,
    /// FIFO queues only.
    pub sequence_number: Option<u64>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Receive {
    /// At most this many.
    pub max_messages: usize,
    /// `None`: the queue's own.
    pub visibility_timeout: Option<Duration>,
    /// How long to wait for the first message, in real time: a client waits in its own.
    pub wait: Duration,
    /// FIFO queues: a repeated attempt gets the same messages.
    pub attempt_id: Option<String>,
}

/// What a poller in this process asks for.
#[derive(Debug, Clone, Copy)]
pub struct Poll {
    /// At most this many.
    pub max_messages: usize,
    /// `None`: the queue's own.
    pub visibility_timeout: Option<Duration>,
    /// FIFO queues: all are of one group.
    pub one_group: bool,
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The body.
    pub body: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// Who sent it.
    pub sender_id: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was first received.
    pub first_received: Timestamp,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// FIFO queues only.
    pub sequence_number: Option<u64>,
    /// The group.
    pub group_id: Option<String>,
    /// FIFO queues only: as it was given, or the SHA-256 of the body.
    pub deduplication_id: Option<String>,
    /// The trace it belongs to.
    pub trace_header: Option<String>,
    /// The ARN of the queue that it was redriven from.
    pub dead_letter_source: Option<String>,
    /// What deletes it.
    pub receipt: Receipt,
}

/// Proof that a message was received: opaque text for clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// How many messages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// That can be received.
    pub visible: u64,
    /// That are received and not yet deleted.
    pub in_flight: u64,
    /// That are delayed.
    pub delayed: u64,
    /// When the oldest of them all was sent.
    pub oldest: Option<Timestamp>,
}
