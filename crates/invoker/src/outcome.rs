//! What an invocation comes to, in the words of AWS.

use std::time::Duration;

use bytes::Bytes;
use runtime_api::{Answer, InitFailure, RESPONSE_MAX_BYTES};
use sandbox::Exit;
use serde_json::{Value, json};

use crate::platform::Status;
use crate::{FunctionError, SharedFunction};

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) payload: Bytes,
    pub(crate) error: Option<FunctionError>,
    pub(crate) status: Status,
    /// How many bytes the function produced.
    pub(crate) produced_bytes: u64,
    /// The environment cannot take another invocation.
    pub(crate) fatal: bool,
}

/// Why an environment did not initialize.
#[derive(Debug, Clone)]
pub(crate) enum InitProblem {
    /// Its time was up.
    TimedOut,
    /// The runtime or an extension said so.
    Reported(InitFailure),
    /// The runtime ended.
    Exited(Option<Exit>),
}

impl InitProblem {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::TimedOut => Status::Timeout,
            Self::Reported(_) | Self::Exited(_) => Status::Failure,
        }
    }

    /// What the log calls it.
    pub(crate) fn error_type(&self) -> Option<&str> {
        match self {
            Self::TimedOut => None,
            Self::Reported(InitFailure::Reported { error_type, .. }) => Some(error_type),
            Self::Reported(InitFailure::Extension { error_type, .. }) => Some(error_type),
            Self::Reported(InitFailure::Gone) => Some("Runtime.ExitError"),
            Self::Exited(exit) => Some(exit_type(*exit)),
        }
    }

    /// What the caller gets when the initialization fails under its invocation.
    pub(crate) fn ending(&self, request_id: &str, function: &SharedFunction) -> Ending {
        match self {
            Self::TimedOut => timed_out(request_id, function.timeout),
            Self::Reported(InitFailure::Reported { error_type, body }) => {
                let mut ending = reported(error_type, body.clone());
                ending.status = Status::Failure;
                ending.fatal = true;
                ending
            }
            Self::Reported(InitFailure::Extension { error_type, reported_type }) => {
                failure(error_type, &format!("RequestId: {request_id} Error: {reported_type}"))
            }
            Self::Reported(InitFailure::Gone) => exited(request_id, None),
            Self::Exited(exit) => exited(request_id, *exit),
        }
    }
}

/// What the caller gets for what the runtime answered.
pub(crate) fn answered(answer: Answer, request_id: &str, exit: Option<Exit>) -> Ending {
    match answer {
        Answer::Response { body, .. } => {
            let produced_bytes = body.len() as u64;
            Ending { payload: body, error: None, status: Status::Success, produced_bytes, fatal: false }
        }
        Answer::Streamed { size_bytes, error: None } => Ending {
            payload: Bytes::new(),
            error: None,
            status: Status::Success,
            produced_bytes: size_bytes,
            fatal: false,
        },
        Answer::Streamed { size_bytes, error: Some((error_type, body)) } => {
            Ending { produced_bytes: size_bytes, ..reported(&error_type, body) }
        }
        Answer::Error { error_type, body } => reported(&error_type, body),
        Answer::TooLarge => {
            let message = format!(
                "Response payload size exceeded maximum allowed payload size ({RESPONSE_MAX_BYTES} bytes)."
            );
            // The function is well: only this response was not.
            Ending {
                fatal: false,
                status: Status::Error,
                ..message_first("Function.ResponseSizeTooLarge", &message)
            }
        }
        Answer::Truncated => failure(
            "Runtime.TruncatedResponse",
            &format!("RequestId: {request_id} Error: Runtime.TruncatedResponse"),
        ),
        Answer::InvalidResponseMode => failure(
            "Runtime.InvalidResponseModeHeader",
            &format!("RequestId: {request_id} Error: Runtime.InvalidResponseModeHeader"),
        ),
        Answer::Gone => exited(request_id, exit),
    }
}

/// The function reported an error itself.
fn reported(error_type: &str, body: Bytes) -> Ending {
    let document: Option<Value> = serde_json::from_slice(&body).ok();
    let field = |name: &str| {
        let text = document.as_ref().and_then(|document| document.get(name)).and_then(Value::as_str);
        text.map(ToOwned::to_owned)
    };
    let error = FunctionError {
        error_type: field("errorType").unwrap_or_else(|| error_type.to_owned()),
        message: field("errorMessage").unwrap_or_default(),
    };
    Ending {
        produced_bytes: body.len() as u64,
        payload: body,
        error: Some(error),
        status: Status::Error,
        // An extension that fails takes its environment with it.
        fatal: error_type.starts_with("Extension."),
    }
}

/// The time of the invocation is up.
pub(crate) fn timed_out(request_id: &str, timeout: Duration) -> Ending {
    let message =
        format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64());
    Ending { status: Status::Timeout, ..failure("Sandbox.Timedout", &message) }
}

/// The runtime ended before it answered.
pub(crate) fn exited(request_id: &str, exit: Option<Exit>) -> Ending {
    let what = match exit {
        None | Some(Exit::Status(0)) => "Runtime exited without providing a reason".to_owned(),
        Some(Exit::Status(status)) => format!("Runtime exited with error: exit status {status}"),
        Some(Exit::Signal(signal)) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
        Some(Exit::OutOfMemory) => "Runtime exited with error: signal: killed".to_owned(),
    };
    failure(exit_type(exit), &format!("RequestId: {request_id} Error: {what}"))
}

fn exit_type(exit: Option<Exit>) -> &'static str {
    match exit {
        Some(Exit::OutOfMemory) => "Runtime.OutOfMemory",
        _ => "Runtime.ExitError",
    }
}

/// A failure that the platform found, in the platform's order of fields.
pub(crate) fn failure(error_type: &str, message: &str) -> Ending {
    ending(error_type, message, json!({ "errorType": error_type, "errorMessage": message }))
}

fn message_first(error_type: &str, message: &str) -> Ending {
    ending(error_type, message, json!({ "errorMessage": message, "errorType": error_type }))
}

fn ending(error_type: &str, message: &str, document: Value) -> Ending {
    Ending {
        payload: document.to_string().into(),
        error: Some(FunctionError { error_type: error_type.to_owned(), message: message.to_owned() }),
        status: Status::Failure,
        produced_bytes: 0,
        fatal: true,
    }
}

/// As Go's standard library names signals: AWS's supervisor is written in it.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

/// What is billed: a whole number of milliseconds, at least one.
pub(crate) fn billed(duration: Duration, init: Option<Duration>) -> Duration {
    let millis = (duration + init.unwrap_or_default()).as_nanos().div_ceil(1_000_000).max(1);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_read_as_aws_writes_them() {
        let text = |ending: Ending| String::from_utf8(ending.payload.to_vec()).unwrap();
        assert_eq!(
            text(timed_out("ID", Duration::from_secs(1))),
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}"#
        );
        assert_eq!(
            text(exited("ID", Some(Exit::Status(0)))),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}"#
        );
        assert_eq!(
            text(exited("ID", Some(Exit::OutOfMemory))),
            r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}"#
        );
        assert_eq!(
            text(answered(Answer::TooLarge, "ID", None)),
            r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
        );
    }

    #[test]
    fn the_bill_is_rounded_up_and_includes_the_initialization() {
        assert_eq!(
            billed(Duration::from_micros(3_010), Some(Duration::from_micros(110_100))).as_millis(),
            114
        );
        assert_eq!(billed(Duration::from_millis(3), None).as_millis(), 3);
        assert_eq!(billed(Duration::ZERO, None).as_millis(), 1);
    }
}
