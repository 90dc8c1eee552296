//! What is stored of an event: one row under its function and due time, and parts beside it when it is large.
//!
//! Key `("event", FUNCTION, DUE, ID)`, value: a JSON header, a line feed, then the payload and the last response as
//! they are. What does not fit the row continues under `("event-part", ID, INDEX)`. So a small event, which nearly
//! all are, is one put and one delete, and a function's events lie in the order in which they are due.

use std::ops::Range;

use bytes::Bytes;
use clock::Timestamp;
use ids::{Arn, FunctionArn, Qualifier, RequestId};
use serde::{Deserialize, Serialize};
use store::{Check, Entry, KeyReader, Limits, Mutation, Snapshot, StoreError, Transaction, key, prefix_end};

use crate::{Condition, Event};

const EVENTS: &str = "event";
const PARTS: &str = "event-part";

/// What of payload and response the row itself holds; the header may be as long again.
const INLINE_BYTES: usize = Limits::PORTABLE.value_bytes / 2;
const PART_BYTES: usize = Limits::PORTABLE.value_bytes;

/// An event and what has become of it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) event: Event,
    /// When something is to be done about it.
    pub(crate) due: Timestamp,
    /// How often it was turned away since it last ran.
    pub(crate) deferrals: u32,
    /// What the last attempt came to.
    pub(crate) response: Option<Response>,
    /// Nothing is attempted any more: only to be handed over.
    pub(crate) ending: Option<Ending>,
}

/// Where an event lies in the store.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) key: Bytes,
    id: RequestId,
    has_parts: bool,
}

impl Row {
    /// Adds: it must still be there. Whatever is done about an event in the commit that removes its row is then done
    /// once, even when a commit's reply was lost.
    pub(crate) fn check(&self, transaction: &mut Transaction) {
        transaction.checks.push(Check::Present(self.key.clone()));
    }

    /// Adds: remove it.
    pub(crate) fn delete(&self, transaction: &mut Transaction) {
        transaction.mutations.push(Mutation::Delete(self.key.clone()));
        if self.has_parts {
            let parts = key(&[PARTS.into(), (&self.id.to_string()).into()]);
            let end = prefix_end(&parts);
            transaction.mutations.push(Mutation::DeleteRange(parts, end));
        }
    }
}

/// What a function made of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) executed_version: String,
    pub(crate) error: Option<(String, String)>,
    pub(crate) payload: Bytes,
}

/// How an event ended, and who must still hear of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) condition: Condition,
    pub(crate) at: Timestamp,
    /// How often the function ran.
    pub(crate) invoke_count: u32,
    pub(crate) receivers: Vec<Receiver>,
    /// How often handing over was tried in vain.
    pub(crate) tries: u32,
}

/// Who gets an event, or the record of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) role: Role,
    pub(crate) arn: Arn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    DeadLetterQueue,
    OnSuccess,
    OnFailure,
}

#[derive(Serialize, Deserialize)]
struct Header {
    accepted: Timestamp,
    payload_bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    deferrals: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<ResponseHeader>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending: Option<Ending>,
}

#[derive(Serialize, Deserialize)]
struct ResponseHeader {
    executed_version: String,
    error: Option<(String, String)>,
    payload_bytes: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Stored {
    /// As it was accepted: due at once.
    pub(crate) fn new(event: Event) -> Self {
        Self { due: event.accepted, event, deferrals: 0, response: None, ending: None }
    }

    pub(crate) fn key(&self) -> Bytes {
        key(&[
            EVENTS.into(),
            (&self.event.function.unqualified().to_string()).into(),
            self.due.into(),
            (&self.event.id.to_string()).into(),
        ])
    }

    /// What it takes in memory.
    pub(crate) fn body_bytes(&self) -> usize {
        self.event.payload.len() + self.response.as_ref().map_or(0, |response| response.payload.len())
    }

    /// Adds: write it.
    pub(crate) fn put(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let mut value = serde_json::to_vec(&self.header())
            .map_err(|error| StoreError::Damaged(format!("an event's header is no JSON: {error}")))?;
        value.push(b'\n');
        let empty = Bytes::new();
        let response = self.response.as_ref().map_or(&empty, |response| &response.payload);
        if self.body_bytes() <= INLINE_BYTES {
            value.extend_from_slice(&self.event.payload);
            value.extend_from_slice(response);
        } else {
            let body = Bytes::from([&self.event.payload[..], response].concat());
            value.extend_from_slice(&body[..INLINE_BYTES]);
            for (index, part) in body[INLINE_BYTES..].chunks(PART_BYTES).enumerate() {
                let key = key(&[PARTS.into(), (&self.event.id.to_string()).into(), (index as u64).into()]);
                transaction.mutations.push(Mutation::Put(key, body.slice_ref(part)));
            }
        }
        transaction.mutations.push(Mutation::Put(self.key(), value.into()));
        Ok(())
    }

    /// Where it lies as it is now.
    pub(crate) fn row(&self) -> Row {
        Row { key: self.key(), id: self.event.id, has_parts: self.body_bytes() > INLINE_BYTES }
    }

    /// Reads it back.
    pub(crate) async fn read(snapshot: &dyn Snapshot, entry: &Entry) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("an event's row has {what}"));
        let (function, due, id) = read_key(&entry.key)?;
        let head = entry.value.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged("no header"))?;
        let header: Header = serde_json::from_slice(&entry.value[..head])
            .map_err(|error| damaged(&format!("a header that cannot be understood: {error}")))?;
        let response_bytes = header.response.as_ref().map_or(0, |response| response.payload_bytes);
        let total = header.payload_bytes.saturating_add(response_bytes);
        let mut body = entry.value.slice(head + 1..);
        if total > body.len() {
            body = read_parts(snapshot, id, body, total).await?;
        }
        if body.len() != total {
            return Err(damaged("a body of another length"));
        }
        let event = Event {
            id,
            function: FunctionArn {
                qualifier: header.qualifier.as_deref().map(Qualifier::parse),
                ..function
            },
            payload: body.split_to(header.payload_bytes),
            trace_header: header.trace_header,
            accepted: header.accepted,
            failures: header.failures,
        };
        let response = header.response.map(|response| Response {
            executed_version: response.executed_version,
            error: response.error,
            payload: body,
        });
        Ok(Self { event, due, deferrals: header.deferrals, response, ending: header.ending })
    }

    fn header(&self) -> Header {
        let event = &self.event;
        Header {
            accepted: event.accepted,
            payload_bytes: event.payload.len(),
            qualifier: event.function.qualifier.as_ref().map(ToString::to_string),
            trace_header: event.trace_header.clone(),
            failures: event.failures,
            deferrals: self.deferrals,
            response: self.response.as_ref().map(|response| ResponseHeader {
                executed_version: response.executed_version.clone(),
                error: response.error.clone(),
                payload_bytes: response.payload.len(),
            }),
            ending: self.ending.clone(),
        }
    }
}

async fn read_parts(
    snapshot: &dyn Snapshot,
    id: RequestId,
    first: Bytes,
    total: usize,
) -> Result<Bytes, StoreError> {
    let parts = key(&[PARTS.into(), (&id.to_string()).into()]);
    let count = total.saturating_sub(first.len()).div_ceil(PART_BYTES);
    let entries = snapshot.range(&parts, &prefix_end(&parts), count, false).await?;
    let parts = entries.iter().map(|entry| &entry.value[..]);
    Ok(std::iter::once(&first[..]).chain(parts).collect::<Vec<_>>().concat().into())
}

/// The unqualified function, the due time and the id of an event's key.
pub(crate) fn read_key(key: &[u8]) -> Result<(FunctionArn, Timestamp, RequestId), StoreError> {
    let damaged = || StoreError::Damaged("an event's key cannot be understood".to_owned());
    let mut reader = KeyReader::new(key);
    if reader.str()? != EVENTS {
        return Err(damaged());
    }
    let function = FunctionArn::parse(&reader.str()?).map_err(|_| damaged())?;
    let due = reader.timestamp()?;
    let id = RequestId::parse(&reader.str()?).ok_or_else(damaged)?;
    Ok((function, due, id))
}

/// All events.
pub(crate) fn all() -> Range<Bytes> {
    let from = key(&[EVENTS.into()]);
    let to = prefix_end(&from);
    from..to
}

/// All events of a function, in the order in which they are due.
pub(crate) fn of_function(function: &FunctionArn) -> Range<Bytes> {
    let from = key(&[EVENTS.into(), (&function.to_string()).into()]);
    let to = prefix_end(&from);
    from..to
}

/// Where the function's events begin that are due later than `now`.
pub(crate) fn after(function: &FunctionArn, now: Timestamp) -> Bytes {
    let later = Timestamp::from_micros(now.as_micros().saturating_add(1));
    key(&[EVENTS.into(), (&function.to_string()).into(), later.into()])
}

#[cfg(test)]
mod tests;
