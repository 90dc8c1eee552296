//! What may be sent, and how it is told.

mod attributes;
mod received;

use std::collections::BTreeMap;
use std::time::Duration;

use api_sqs::{
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchRequestEntry, SendMessageRequest,
};
use queue::{NewMessage, md5_of_attributes, md5_of_body};
use targets::Attributes;
use wire::{Context, Error};

pub(crate) use attributes::size_bytes;
pub(crate) use received::Wanted;

use crate::directory::OpenQueue;
use crate::errors::{
    deduplication_required, invalid, invalid_contents, invalid_value, missing, required, wrong_queue_type,
};

/// A message as a client wants it sent.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) body: Option<String>,
    pub(crate) delay_seconds: Option<i32>,
    pub(crate) attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub(crate) system_attributes: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    pub(crate) deduplication_id: Option<String>,
    pub(crate) group_id: Option<String>,
}

impl From<SendMessageRequest> for Draft {
    fn from(request: SendMessageRequest) -> Self {
        Self {
            body: request.message_body,
            delay_seconds: request.delay_seconds,
            attributes: request.message_attributes,
            system_attributes: request.message_system_attributes,
            deduplication_id: request.message_deduplication_id,
            group_id: request.message_group_id,
        }
    }
}

impl From<SendMessageBatchRequestEntry> for Draft {
    fn from(entry: SendMessageBatchRequestEntry) -> Self {
        Self {
            body: entry.message_body,
            delay_seconds: entry.delay_seconds,
            attributes: entry.message_attributes,
            system_attributes: entry.message_system_attributes,
            deduplication_id: entry.message_deduplication_id,
            group_id: entry.message_group_id,
        }
    }
}

/// A message that may be sent, with what the sender is told of it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) message: NewMessage,
    pub(crate) size_bytes: usize,
    pub(crate) md5_of_body: String,
    pub(crate) md5_of_attributes: Option<String>,
    pub(crate) md5_of_system_attributes: Option<String>,
}

/// Checks a draft by the queue's rules. `id` will be the message's.
pub(crate) fn check(
    queue: &OpenQueue,
    context: &Context,
    draft: Draft,
    id: String,
) -> Result<Checked, Error> {
    let body = required(draft.body, "MessageBody")?;
    if !body.chars().all(is_valid) {
        return Err(invalid_contents());
    }
    let attributes = attributes::checked(draft.attributes.unwrap_or_default())?;
    let size_bytes = size_bytes(&body, &attributes);
    let max_bytes = queue.behaviour.message_bytes_max;
    if size_bytes > max_bytes {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {max_bytes} bytes."
        )));
    }
    let system = attributes::checked_system(draft.system_attributes.unwrap_or_default())?;
    check_ids(queue, draft.group_id.as_deref(), draft.deduplication_id.as_deref())?;
    let delay = check_delay(queue, draft.delay_seconds)?;
    let trace_header = attributes::trace_header(&system);
    let md5_of = |attributes: &Attributes| (!attributes.is_empty()).then(|| md5_of_attributes(attributes));
    Ok(Checked {
        size_bytes,
        md5_of_body: md5_of_body(&body),
        md5_of_attributes: md5_of(&attributes),
        md5_of_system_attributes: md5_of(&system),
        message: NewMessage {
            id,
            body,
            attributes,
            sender_id: context.caller.user_id.clone(),
            delay,
            group_id: draft.group_id,
            deduplication_id: draft.deduplication_id,
            // The SDKs within functions say which trace a request belongs to; so loops are found.
            trace_header: trace_header.or_else(|| context.trace_id.clone()),
            dead_letter_source: None,
            from: Some(context.request_id.to_string()),
        },
    })
}

/// "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF" (API reference, `SendMessage`).
const fn is_valid(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn check_ids(queue: &OpenQueue, group: Option<&str>, deduplication: Option<&str>) -> Result<(), Error> {
    for (parameter, id) in [("MessageGroupId", group), ("MessageDeduplicationId", deduplication)] {
        check_id(parameter, id)?;
    }
    match (queue.is_fifo(), group, deduplication) {
        (true, None, _) => Err(missing("MessageGroupId")),
        (true, Some(_), None) if !queue.behaviour.content_based_deduplication => {
            Err(deduplication_required())
        }
        (false, _, Some(id)) => Err(wrong_queue_type(id, "MessageDeduplicationId")),
        _ => Ok(()),
    }
}

/// An id that orders messages, tells duplicates or attempts: 1 to 128 letters, digits and punctuation.
pub(crate) fn check_id(parameter: &str, id: Option<&str>) -> Result<(), Error> {
    match id {
        Some(id) if !(1..=128).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let reason = format!(
                "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
            );
            Err(invalid_value(id, parameter, &reason))
        }
        _ => Ok(()),
    }
}

fn check_delay(queue: &OpenQueue, seconds: Option<i32>) -> Result<Option<Duration>, Error> {
    let Some(seconds) = seconds else { return Ok(None) };
    if queue.is_fifo() {
        // Zero says nothing; some clients always send it.
        return if seconds == 0 { Ok(None) } else { Err(wrong_queue_type(seconds, "DelaySeconds")) };
    }
    match u64::try_from(seconds) {
        Ok(delay) if delay <= 900 => Ok(Some(Duration::from_secs(delay))),
        _ => Err(invalid_value(seconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")),
    }
}
