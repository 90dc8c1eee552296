//! What receivers get. Source: AWS Lambda developer guide, "Capturing records of Lambda asynchronous invocations".

use std::borrow::Cow;

use bytes::Bytes;
use ids::{FunctionArn, Qualifier};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use targets::{AttributeValue, Attributes, MessageAttribute};

use crate::Condition;
use crate::attempt::{ERROR_BYTES_MAX, truncate};
use crate::row::{Ending, Response, Stored};

/// Fields in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    version: &'static str,
    timestamp: String,
    request_context: RequestContext,
    request_payload: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Cow<'a, RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    request_id: String,
    function_arn: String,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
}

/// The record for a destination.
pub(crate) fn record(stored: &Stored, ending: &Ending) -> Result<String, serde_json::Error> {
    let event = &stored.event;
    let response = stored.response.as_ref();
    serde_json::to_string(&Record {
        version: "1.0",
        timestamp: ending.at.iso8601_millis(),
        request_context: RequestContext {
            request_id: event.id.to_string(),
            function_arn: qualified(&event.function).to_string(),
            condition: ending.condition.as_str(),
            approximate_invoke_count: ending.invoke_count,
        },
        request_payload: document(&event.payload)?,
        response_context: response.map(|response| ResponseContext {
            status_code: 200,
            executed_version: &response.executed_version,
            function_error: response.error.is_some().then_some("Unhandled"),
        }),
        response_payload: response.map(|response| document(&response.payload)).transpose()?,
    })
}

/// A JSON document as it is; what is none becomes a string, and nothing becomes null.
fn document(payload: &Bytes) -> Result<Cow<'_, RawValue>, serde_json::Error> {
    if payload.is_empty() {
        return Ok(Cow::Owned(to_raw_value(&())?));
    }
    match serde_json::from_slice::<&RawValue>(payload) {
        Ok(document) => Ok(Cow::Borrowed(document)),
        Err(_) => Ok(Cow::Owned(to_raw_value(&String::from_utf8_lossy(payload))?)),
    }
}

fn qualified(function: &FunctionArn) -> FunctionArn {
    match function.qualifier {
        Some(_) => function.clone(),
        None => function.qualified(Qualifier::Latest),
    }
}

/// The message attributes of a dead letter.
pub(crate) fn dead_letter_attributes(stored: &Stored, ending: &Ending) -> Attributes {
    let (code, message) = dead_letter_error(stored, ending);
    let attribute = |data_type: &str, value: String| MessageAttribute {
        data_type: data_type.to_owned(),
        value: AttributeValue::String(value),
    };
    let mut attributes = Attributes::from([
        ("RequestID".to_owned(), attribute("String", stored.event.id.to_string())),
        ("ErrorCode".to_owned(), attribute("Number", code.to_string())),
    ]);
    // Queues and topics take no empty value.
    if !message.is_empty() {
        attributes.insert("ErrorMessage".to_owned(), attribute("String", message));
    }
    attributes
}

/// The HTTP status and the message that a caller who had waited would have got.
fn dead_letter_error(stored: &Stored, ending: &Ending) -> (u16, String) {
    if let Some(Response { error: Some((_, message)), .. }) = &stored.response {
        let message: String = message.chars().map(legal).collect();
        return (200, truncate(&message, ERROR_BYTES_MAX).to_owned());
    }
    match ending.condition {
        Condition::RecursiveInvocation => {
            (400, "Lambda has detected your function being invoked in a recursive loop".to_owned())
        }
        Condition::EventAgeExceeded if stored.deferrals > 0 => {
            (500, "The service encountered an internal error.".to_owned())
        }
        _ => (429, "Rate Exceeded.".to_owned()),
    }
}

/// SQS refuses the characters that XML 1.0 has no form for: no reason to lose a dead letter. Source: Amazon SQS API
/// reference, `SendMessage`.
fn legal(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests;
