//! What is published, checked as AWS does. Source: Amazon SNS API reference, `Publish`.

mod attributes;

use std::collections::BTreeMap;

use api_sns::{MessageAttributeValue, PublishBatchRequestEntry, PublishInput};
use clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use targets::Attributes;

use crate::errors::{Outcome, invalid};
use crate::subscription::hex;
use crate::tables::subscription::Protocol;
use crate::tables::topic::TopicRecord;

/// "Less than 100 characters long."
const SUBJECT_LENGTH_MAX: usize = 99;

/// "The total size limit for a single SMS Publish action is 1,600 characters."
const SMS_LENGTH_MAX: usize = 1_600;

/// A message's text, which can be another one for each protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texts {
    default: String,
    by_protocol: BTreeMap<String, String>,
}

impl Texts {
    /// The same for all.
    pub(crate) fn of(text: String) -> Self {
        Self { default: text, by_protocol: BTreeMap::new() }
    }

    /// The text for this protocol.
    pub(crate) fn of_protocol(&self, protocol: Protocol) -> &str {
        self.by_protocol.get(protocol.as_str()).unwrap_or(&self.default)
    }

    /// The bytes of the longest one.
    pub(crate) fn longest(&self) -> usize {
        self.by_protocol.values().map(String::len).fold(self.default.len(), usize::max)
    }
}

/// A message that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Publication {
    /// The message's id.
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) texts: Texts,
    pub(crate) subject: Option<String>,
    pub(crate) attributes: Attributes,
    pub(crate) group_id: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    /// FIFO topics only.
    pub(crate) sequence_number: Option<u64>,
    /// The `X-Amzn-Trace-Id` to hand on.
    pub(crate) trace_header: Option<String>,
    /// Who published it: an ARN.
    pub(crate) by: String,
    /// The request or message that it comes from.
    pub(crate) from: Option<String>,
    /// Bytes of the message and its attributes.
    pub(crate) size_bytes: usize,
}

/// What a request wants to have published.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) message: String,
    pub(crate) subject: Option<String>,
    pub(crate) structure: Option<String>,
    pub(crate) attributes: BTreeMap<String, MessageAttributeValue>,
    pub(crate) group_id: Option<String>,
    pub(crate) deduplication_id: Option<String>,
}

impl From<PublishInput> for Draft {
    fn from(input: PublishInput) -> Self {
        Self {
            message: input.message,
            subject: input.subject,
            structure: input.message_structure,
            attributes: input.message_attributes.unwrap_or_default(),
            group_id: input.message_group_id,
            deduplication_id: input.message_deduplication_id,
        }
    }
}

impl From<PublishBatchRequestEntry> for Draft {
    fn from(entry: PublishBatchRequestEntry) -> Self {
        Self {
            message: entry.message,
            subject: entry.subject,
            structure: entry.message_structure,
            attributes: entry.message_attributes.unwrap_or_default(),
            group_id: entry.message_group_id,
            deduplication_id: entry.message_deduplication_id,
        }
    }
}

/// Who publishes, when, and under which id.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) from: Option<String>,
    pub(crate) trace_header: Option<String>,
}

impl Draft {
    /// Bytes of the message and its attributes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.message.len() + attributes::size_bytes(&self.attributes)
    }

    /// Checks all that does not depend on the topic.
    ///
    /// # Errors
    /// `InvalidParameter` and `ParameterValueInvalid`.
    pub(crate) fn check(&self) -> Outcome<()> {
        if self.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Err(invalid("Subject"));
        }
        if self.message.is_empty() {
            return Err(invalid("Empty message"));
        }
        attributes::check(&self.attributes)
    }

    /// Checks all that depends on the topic.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub(crate) fn check_for(&self, topic: &TopicRecord) -> Outcome<()> {
        if topic.is_fifo() {
            if self.group_id.is_none() {
                return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
            }
            if self.deduplication_id.is_none() && !topic.deduplicates_by_content() {
                return Err(invalid(
                    "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided \
                     explicitly",
                ));
            }
        } else if self.deduplication_id.is_some() {
            return Err(invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid \
                 for this topic type",
            ));
        }
        for (name, id) in
            [("MessageGroupId", &self.group_id), ("MessageDeduplicationId", &self.deduplication_id)]
        {
            if id.as_deref().is_some_and(|id| !is_fifo_id(id)) {
                return Err(invalid(format!(
                    "{name} Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length"
                )));
            }
        }
        Ok(())
    }

    /// The message, which has been checked.
    ///
    /// # Errors
    /// `InvalidParameter` when it should be a JSON document of texts and is not.
    pub(crate) fn publication(self, topic: Option<&TopicRecord>, sender: Sender) -> Outcome<Publication> {
        let size_bytes = self.size_bytes();
        let fifo = topic.is_some_and(TopicRecord::is_fifo);
        // "Amazon SNS uses a SHA-256 hash to generate the MessageDeduplicationId using the body of the message".
        let by_content = || fifo.then(|| hex(&Sha256::digest(&self.message)));
        let deduplication_id = self.deduplication_id.clone().or_else(by_content);
        let texts = match self.structure.as_deref() {
            Some("json") => read_texts(&self.message)?,
            None => Texts::of(self.message),
            Some(_) => return Err(invalid("MessageStructure")),
        };
        let Sender { id, at, by, from, trace_header } = sender;
        Ok(Publication {
            id,
            at,
            texts,
            subject: self.subject,
            attributes: attributes::convert(self.attributes),
            group_id: self.group_id,
            deduplication_id,
            sequence_number: None,
            trace_header,
            by,
            from,
            size_bytes,
        })
    }
}

/// Whether a text message is short enough.
pub(crate) fn fits_sms(text: &str) -> bool {
    text.chars().count() <= SMS_LENGTH_MAX
}

/// "UTF-8 text with no line breaks or control characters, and less than 100 characters long"; AWS refuses an empty one,
/// too, and one that begins with a space.
fn is_subject(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(' ')
        && !text.chars().any(char::is_control)
        && text.chars().count() <= SUBJECT_LENGTH_MAX
}

fn is_fifo_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// "Non-string values will cause the key to be ignored. Keys that do not correspond to supported transport protocols
/// are ignored." Of a key that is there twice the last one counts.
fn read_texts(message: &str) -> Outcome<Texts> {
    let unreadable = || invalid("Message Structure - JSON message body failed to parse");
    let document: Value = serde_json::from_str(message).map_err(|_| unreadable())?;
    let Value::Object(members) = document else { return Err(unreadable()) };
    let mut texts: BTreeMap<String, String> = members
        .into_iter()
        .filter_map(|(protocol, text)| match text {
            Value::String(text) => Some((protocol, text)),
            _ => None,
        })
        .collect();
    let default = texts.remove("default");
    let default =
        default.ok_or_else(|| invalid("Message Structure - No default entry in JSON message body"))?;
    Ok(Texts { default, by_protocol: texts })
}
