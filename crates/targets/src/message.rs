//! What is handed over.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A message attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// Text: of the types String, Number and what derives from them.
    String(String),
    /// Bytes: of the type Binary and what derives from it.
    Binary(Vec<u8>),
}

/// A message attribute, as SQS and SNS have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary`, `String.Array`, or one of them with a label, such as `Number.int`.
    pub data_type: String,
    /// The value.
    pub value: AttributeValue,
}

/// By name.
pub type Attributes = BTreeMap<String, MessageAttribute>;

/// A message for a queue, from another service.
#[derive(Debug, Clone, Default)]
pub struct QueueMessage {
    /// The body.
    pub body: String,
    /// Its attributes.
    pub attributes: Attributes,
    /// For FIFO and fair queues.
    pub group_id: Option<String>,
    /// For FIFO queues.
    pub deduplication_id: Option<String>,
    /// What the receiver gets as `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// The unique id of who sends: what the receiver gets as `SenderId`.
    pub sender_id: String,
    /// The request or message that this comes from, for [`crate::RecordTrace`].
    pub from: Option<String>,
}

/// A message for a topic, from another service.
#[derive(Debug, Clone, Default)]
pub struct TopicMessage {
    /// The body.
    pub message: String,
    /// The subject.
    pub subject: Option<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// The `X-Amzn-Trace-Id` to hand on.
    pub trace_header: Option<String>,
    /// The request or message that this comes from.
    pub from: Option<String>,
}

/// An event for a function, to be run asynchronously.
#[derive(Debug, Clone)]
pub struct FunctionEvent {
    /// A JSON document.
    pub payload: Bytes,
    /// The `X-Amzn-Trace-Id` to hand on.
    pub trace_header: Option<String>,
    /// Who invokes: the ARN of a caller, a topic, a function.
    pub source: String,
    /// The request or message that this comes from.
    pub from: Option<String>,
}
