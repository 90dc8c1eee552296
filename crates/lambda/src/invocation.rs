//! What the Invoke operations check and say. Source: AWS Lambda API reference, `Invoke`.

use std::collections::BTreeMap;

use api_lambda::{LogType, ThrottleReason as ApiThrottleReason, TooManyRequestsException};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use invoker::{Invocation, InvokeError, Outcome as Ended, ThrottleReason};
use serde::de::IgnoredAny;
use wire::Context;

use crate::Lambda;
use crate::errors::{
    Failure, Outcome, invalid_content, invalid_parameter, recursive_invocation, request_too_large,
};
use crate::function::FunctionReference;
use crate::routes::{Branch, Route};

/// The most bytes of an event ("Lambda quotas": 6 MB).
const PAYLOAD_BYTES_MAX: usize = 6_291_456;

/// The most bytes of a client context, in base64.
const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;

/// What AWS suggests after a throttled request.
const RETRY_AFTER_S: &str = "1";

/// The most bytes of an asynchronous event ("Lambda quotas": 1 MB).
pub(crate) const EVENT_BYTES_MAX: usize = 1_048_576;

/// Whether the caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RequestResponse,
    Event,
}

/// What a caller asks for.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) payload: Option<Bytes>,
    pub(crate) client_context: Option<String>,
    pub(crate) log_type: Option<LogType>,
    pub(crate) tenant_id: Option<String>,
}

impl Call {
    /// The event as it came; without one it is empty.
    pub(crate) fn payload(&self) -> &[u8] {
        self.payload.as_deref().unwrap_or_default()
    }

    /// That the function can understand the event.
    ///
    /// # Errors
    /// `InvalidRequestContentException` and `InvalidParameterValueException`.
    pub(crate) fn check_content(&self) -> Outcome<()> {
        if self.tenant_id.is_some() {
            return Err(invalid_parameter(
                "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your \
                 request and try again.",
            ));
        }
        check_json(self.payload())
    }

    /// The invocation of a version.
    ///
    /// # Errors
    /// `InvalidRequestContentException` for a client context that is too long or cannot be read;
    /// `RecursiveInvocationException` when the caller has come from this function too often.
    pub(crate) fn into_invocation(
        self,
        lambda: &Lambda,
        context: &Context,
        reference: &FunctionReference,
        route: &Route,
        branch: &Branch,
    ) -> Outcome<Invocation> {
        let client_context = self.client_context.as_deref().map(read_client_context).transpose()?;
        let header = match &context.trace_id {
            Some(header) => route.hash.count(header),
            None => route.hash.count(&new_trace(lambda)),
        };
        if !route.allows_loops && route.hash.is_loop(&header) {
            branch.figures.loop_stopped(lambda.clock.now());
            return Err(recursive_invocation());
        }
        let empty = Bytes::from_static(b"{}");
        Ok(Invocation {
            request_id: context.request_id,
            function: branch.target.function.clone(),
            invoked_arn: reference.arn(),
            payload: self.payload.filter(|payload| !payload.is_empty()).unwrap_or(empty),
            client_context,
            trace_id: Some(header),
            tail_log: self.log_type == Some(LogType::Tail),
            reserved_concurrency: route.reserved_concurrency,
            stream: None,
            observer: Some(branch.figures.clone()),
        })
    }
}

/// That an event is not too large.
///
/// # Errors
/// `RequestTooLargeException`.
pub(crate) fn check_size(payload: &[u8], kind: Kind) -> Outcome<()> {
    let (name, limit) = match kind {
        Kind::RequestResponse => ("RequestResponse", PAYLOAD_BYTES_MAX),
        Kind::Event => ("Event", EVENT_BYTES_MAX),
    };
    let size = payload.len();
    if size > limit {
        return Err(request_too_large(format!(
            "{size} byte payload is too large for the {name} invocation type (limit {limit} bytes)"
        )));
    }
    Ok(())
}

/// Runs an invocation. Virtual time stands still meanwhile.
pub(crate) async fn run(lambda: &Lambda, invocation: Invocation) -> Result<Ended, InvokeError> {
    let _hold = lambda.clock.hold();
    lambda.invoker.invoke(invocation).await
}

/// A trace of its own for an invocation that comes without one, not to be recorded (AWS X-Ray developer guide, "Tracing
/// header"). Functions rely on it: AWS always sets it.
pub(crate) fn new_trace(lambda: &Lambda) -> String {
    let (root, parent) = (lambda.ids.hex(24), lambda.ids.hex(16));
    format!("Root=1-{:08x}-{root};Parent={parent};Sampled=0", lambda.clock.now().as_secs())
}

/// The end of the log, as the answer has it.
pub(crate) fn log_result(tail: Option<&Bytes>) -> Option<String> {
    tail.map(|tail| STANDARD.encode(tail))
}

/// An invocation that did not run, in AWS's words.
pub(crate) fn not_run(lambda: &Lambda, error: InvokeError) -> Failure {
    let reason = match error {
        InvokeError::Internal(cause) => return Failure::Internal(cause),
        InvokeError::Throttled(reason) => reason,
    };
    if lambda.tasks.is_shutting_down() {
        tracing::debug!(?reason, "an invocation was turned away during the shutdown");
    }
    let (reason, message) = match reason {
        ThrottleReason::ConcurrentInvocationLimitExceeded => {
            (ApiThrottleReason::ConcurrentInvocationLimitExceeded, "Rate Exceeded.")
        }
        ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded => {
            (ApiThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded, "Rate Exceeded.")
        }
        // A limit that AWS does not have: to a caller it is one of concurrency.
        ThrottleReason::HostCapacityExceeded => (
            ApiThrottleReason::ConcurrentInvocationLimitExceeded,
            "Rate Exceeded. This host has no room for another execution environment.",
        ),
    };
    Failure::Answer(
        TooManyRequestsException {
            retry_after_seconds: Some(RETRY_AFTER_S.to_owned()),
            r#type: Some("User".to_owned()),
            message: Some(message.to_owned()),
            reason: Some(reason),
        }
        .into(),
    )
}

fn read_client_context(text: &str) -> Outcome<String> {
    if text.len() > CLIENT_CONTEXT_BYTES_MAX {
        return Err(invalid_content(format!(
            "Client context must be no more than {CLIENT_CONTEXT_BYTES_MAX} bytes when base64-encoded."
        )));
    }
    let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(json) if serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&json).is_ok() => Ok(json),
        _ => Err(invalid_content("Client context must be a valid Base64-encoded JSON object.")),
    }
}

/// That an event is JSON. AWS's parser is Jackson; this says what it would, as far as callers have been seen to look at
/// it.
///
/// # Errors
/// `InvalidRequestContentException`.
pub(crate) fn check_json(payload: &[u8]) -> Outcome<()> {
    if payload.is_empty() {
        return Ok(());
    }
    // Looked at by itself: skipping over a string does not look at its encoding.
    let (problem, line, column) = match std::str::from_utf8(payload) {
        Ok(text) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => return Ok(()),
            Err(error) => (syntax_problem(text, &error), error.line(), error.column()),
        },
        Err(error) => encoding_problem(payload, error.valid_up_to()),
    };
    Err(invalid_content(format!(
        "Could not parse request body into json: Could not parse payload into json: {problem}\n at [Source: \
         REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
    )))
}

fn syntax_problem(text: &str, error: &serde_json::Error) -> String {
    let rest = text.trim_ascii_start();
    let word: String =
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    let expected = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'";
    match rest.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => {
            format!("Unrecognized token '{word}': was expecting ({expected})")
        }
        Some(first) if !first.is_ascii_digit() && !"\"-[{".contains(first) => {
            let code = u32::from(first);
            format!("Unexpected character ('{first}' (code {code})): expected a valid value ({expected})")
        }
        _ if error.is_eof() => "Unexpected end-of-input".to_owned(),
        _ => error.to_string(),
    }
}

/// What is wrong from the byte at `start` on, and its line and column.
fn encoding_problem(payload: &[u8], start: usize) -> (String, usize, usize) {
    let (before, rest) = payload.split_at(start);
    let problem = match rest {
        // A byte that may begin a character, and what follows does not continue it.
        [0xc2..=0xf4, next, ..] => format!("Invalid UTF-8 middle byte 0x{next:x}"),
        [first, _, ..] | [first @ (..0xc2 | 0xf5..)] => format!("Invalid UTF-8 start byte 0x{first:x}"),
        _ => "Unexpected end-of-input".to_owned(),
    };
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (problem, line, column)
}
