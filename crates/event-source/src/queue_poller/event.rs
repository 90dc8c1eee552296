//! The event that a function gets.
//!
//! Sources: AWS Lambda developer guide, "Using Lambda with Amazon SQS", "Example Amazon SQS message event"; the order of the
//! fields is that of events recorded from AWS.

use std::fmt::Display;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ids::Arn;
use queue::{Message, md5_of_attributes, md5_of_body};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use targets::{AttributeValue, Attributes, MessageAttribute};

use crate::functions::EVENT_BYTES_MAX;

const BEFORE: &[u8] = br#"{"Records":["#;
const AFTER: &[u8] = b"]}";

/// Where messages come from, as each record says it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    arn: String,
    region: String,
}

impl Origin {
    pub(super) fn new(queue: &Arn) -> Self {
        Self { arn: queue.to_string(), region: queue.region.clone() }
    }

    /// The fields of a message's record that a filter may name, beside the body.
    pub(super) fn metadata(&self, message: &Message) -> Map<String, Value> {
        match serde_json::to_value(Record::new(message, "", self)) {
            Ok(Value::Object(record)) => record,
            _ => Map::new(),
        }
    }
}

/// An event that is being written, record by record.
#[derive(Debug)]
pub(super) struct Event {
    text: Vec<u8>,
    bytes_max: usize,
}

impl Event {
    pub(super) fn new() -> Self {
        Self { text: BEFORE.to_vec(), bytes_max: EVENT_BYTES_MAX }
    }

    #[cfg(test)]
    pub(super) fn of_at_most(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::new() }
    }

    /// Adds a record, if there is room for it. Alone, any has: no message is longer than 1 MiB, and what is escaped in
    /// it becomes twice as long.
    pub(super) fn add(&mut self, message: &Message, origin: &Origin) -> bool {
        let before = self.text.len();
        let is_first = before == BEFORE.len();
        if !is_first {
            self.text.push(b',');
        }
        let written = serde_json::to_writer(&mut self.text, &Record::new(message, &message.body, origin));
        let fits = written.is_ok() && (is_first || self.text.len() + AFTER.len() <= self.bytes_max);
        if !fits {
            self.text.truncate(before);
        }
        fits
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.text.extend_from_slice(AFTER);
        self.text.into()
    }
}

/// A value as its text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: SystemAttributes<'a>,
    message_attributes: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    md5_of_body: String,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SystemAttributes<'a> {
    approximate_receive_count: Text<u32>,
    #[serde(rename = "AWSTraceHeader", skip_serializing_if = "Option::is_none")]
    trace_header: Option<&'a str>,
    sent_timestamp: Text<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<Text<SequenceNumber>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    sender_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a str>,
    approximate_first_receive_timestamp: Text<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_queue_source_arn: Option<&'a str>,
}

struct SequenceNumber(u64);

impl Display for SequenceNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:020}", self.0)
    }
}

impl<'a> Record<'a> {
    fn new(message: &'a Message, body: &'a str, origin: &'a Origin) -> Self {
        let attributes = &message.attributes;
        Self {
            message_id: &message.id,
            receipt_handle: &message.receipt.0,
            body,
            attributes: SystemAttributes {
                approximate_receive_count: Text(message.receive_count),
                trace_header: message.trace_header.as_deref(),
                sent_timestamp: Text(message.sent.as_millis()),
                sequence_number: message.sequence_number.map(|number| Text(SequenceNumber(number))),
                message_group_id: message.group_id.as_deref(),
                sender_id: &message.sender_id,
                message_deduplication_id: message.deduplication_id.as_deref(),
                approximate_first_receive_timestamp: Text(message.first_received.as_millis()),
                dead_letter_queue_source_arn: message.dead_letter_source.as_deref(),
            },
            message_attributes: Shown(attributes),
            md5_of_message_attributes: (!attributes.is_empty()).then(|| md5_of_attributes(attributes)),
            md5_of_body: md5_of_body(&message.body),
            event_source: "aws:sqs",
            event_source_arn: &origin.arn,
            aws_region: &origin.region,
        }
    }
}

/// A message's attributes by name.
struct Shown<'a>(&'a Attributes);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, attribute)| (name, ShownAttribute::new(attribute))))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAttribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [&'a str; 0],
    binary_list_values: [&'a str; 0],
    data_type: &'a str,
}

impl<'a> ShownAttribute<'a> {
    fn new(attribute: &'a MessageAttribute) -> Self {
        let (string_value, binary_value) = match &attribute.value {
            AttributeValue::String(text) => (Some(text.as_str()), None),
            AttributeValue::Binary(bytes) => (None, Some(BASE64_STANDARD.encode(bytes))),
        };
        Self {
            string_value,
            binary_value,
            string_list_values: [],
            binary_list_values: [],
            data_type: &attribute.data_type,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
