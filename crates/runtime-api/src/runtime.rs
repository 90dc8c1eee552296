//! The Runtime API. Source: AWS Lambda developer guide, "Using the Lambda runtime API"; answers to misuse as
//! AWS's runtime interface emulator gives them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::answer::{Answer, StreamPart, Wire, error_answer};
use crate::body::{BodyError, Reader};
use crate::error_type::filter_error_type;
use crate::head::Head;
use crate::route::Reply;
use crate::session::{InitFailure, Shared};
use crate::state::{Current, Parked, RuntimeState};
use crate::{RESPONSE_MAX_BYTES, STREAM_MAX_BYTES};

/// The content type of an error document that carries an X-Ray cause, which is not for the caller.
const ERROR_CAUSE: &str = "application/vnd.aws.lambda.error.cause+json";

/// `GET /runtime/invocation/next`.
pub(crate) async fn next(shared: &Arc<Shared>, connection: u64, reader: &mut Reader) -> Reply {
    if !reader.skip_rest().await {
        return Reply::Now(truncated());
    }
    let mut state = shared.lock();
    match state.runtime {
        RuntimeState::Started | RuntimeState::Ready | RuntimeState::ResponseSent => {
            state.runtime = RuntimeState::Ready;
            state.parked = Some(Parked { connection, socket: reader.socket.clone() });
            let settled = state.settle();
            drop(state);
            shared.settled(settled);
            Reply::Later
        }
        // It asks again for the event it has, perhaps because it lost the connection: it gets it again.
        RuntimeState::Running => {
            let Some(current) = &state.current else { return Reply::Now(forbidden(state.runtime, "Ready")) };
            let (head, payload) = (current.head.clone(), current.payload.clone());
            drop(state);
            reader.socket.clone().send(&shared.config.tasks, head, payload);
            Reply::Later
        }
        _ => Reply::Now(forbidden(state.runtime, "Ready")),
    }
}

/// `POST /runtime/init/error`.
pub(crate) async fn init_error(shared: &Arc<Shared>, head: &Head, reader: &mut Reader) -> Reply {
    {
        let mut state = shared.lock();
        if state.runtime != RuntimeState::Started {
            return Reply::Now(forbidden(state.runtime, "InitError"));
        }
        state.runtime = RuntimeState::InitError;
    }
    let body = match reader.whole(RESPONSE_MAX_BYTES).await {
        Ok(body) => without_cause(head, body),
        Err(error) => {
            shared.lock().fail_init(InitFailure::Gone);
            return Reply::Now(refused(&error));
        }
    };
    let error_type = filter_error_type(&head.error_type).to_owned();
    shared.lock().fail_init(InitFailure::Reported { error_type, body });
    Reply::Accepted
}

/// `POST /runtime/invocation/ID/response`.
pub(crate) async fn response(
    shared: &Arc<Shared>,
    head: &Head,
    request_id: &str,
    reader: &mut Reader,
) -> Reply {
    let current = match claim(shared, request_id, RuntimeState::InvocationResponse) {
        Ok(current) => current,
        Err(refusal) => return Reply::Now(refusal),
    };
    let streaming = match head.response_mode.as_deref() {
        None => false,
        Some("streaming") => true,
        Some(_) => {
            finish(shared, current, Answer::InvalidResponseMode);
            return Reply::Now(error_answer(
                400,
                "InvalidFunctionResponseMode",
                "Invalid function response mode",
            ));
        }
    };
    let (answer, reply) = match (streaming, &current.stream) {
        (true, Some(stream)) => forward(head, stream, reader).await,
        (true, None) => collect_streamed(head, reader).await,
        (false, _) => match reader.whole(RESPONSE_MAX_BYTES).await {
            Ok(body) => (Answer::Response { body, content_type: head.content_type.clone() }, Reply::Accepted),
            Err(error) => failed_body(&error),
        },
    };
    if answer == Answer::TooLarge {
        // The caller hears of it once the runtime is through with it, and about to call `next`.
        reader.skip_rest().await;
    }
    finish(shared, current, answer);
    reply
}

/// `POST /runtime/invocation/ID/error`.
pub(crate) async fn error(shared: &Arc<Shared>, head: &Head, request_id: &str, reader: &mut Reader) -> Reply {
    let current = match claim(shared, request_id, RuntimeState::InvocationErrorResponse) {
        Ok(current) => current,
        Err(refusal) => return Reply::Now(refusal),
    };
    let (answer, reply) = match reader.whole(RESPONSE_MAX_BYTES).await {
        Ok(body) => {
            let error_type = filter_error_type(&head.error_type).to_owned();
            (Answer::Error { error_type, body: without_cause(head, body) }, Reply::Accepted)
        }
        Err(error) => failed_body(&error),
    };
    finish(shared, current, answer);
    reply
}

/// Takes the event over to answer it: from here on nobody else can.
fn claim(shared: &Shared, request_id: &str, next: RuntimeState) -> Result<Current, Wire> {
    let name = next.name();
    let mut state = shared.lock();
    // Once the event is claimed its id is no longer known; then the state says what is wrong.
    let known = state.current.as_ref().is_some_and(|current| current.request_id == request_id);
    if !known {
        return Err(match state.runtime {
            RuntimeState::InvocationResponse | RuntimeState::InvocationErrorResponse => {
                forbidden(state.runtime, name)
            }
            _ => error_answer(400, "InvalidRequestID", "Invalid request ID"),
        });
    }
    match state.current.take() {
        Some(current) if state.runtime == RuntimeState::Running => {
            state.runtime = next;
            Ok(current)
        }
        current => {
            state.current = current;
            Err(forbidden(state.runtime, name))
        }
    }
}

/// Hands the answer over; the runtime may then call `next`.
fn finish(shared: &Shared, current: Current, answer: Answer) {
    shared.lock().runtime = RuntimeState::ResponseSent;
    // When the invocation timed out, nobody waits any more.
    let _nobody_waits = current.answer.send(answer);
}

/// Passes a streamed response on as it arrives. The caller's pace holds up the function.
async fn forward(head: &Head, stream: &mpsc::Sender<StreamPart>, reader: &mut Reader) -> (Answer, Reply) {
    let content_type = match head.content_type.as_str() {
        "" => "application/octet-stream",
        given => given,
    };
    // A caller that has gone away does not stop the function.
    let mut _gone = stream.send(StreamPart::Head { content_type: content_type.to_owned() }).await;
    let mut size_bytes = 0_u64;
    loop {
        let error = match reader.piece().await {
            Ok(None) => {
                let error = trailer_error(reader);
                return (Answer::Streamed { size_bytes, error }, Reply::Accepted);
            }
            Ok(Some(piece)) if size_bytes + piece.len() as u64 <= STREAM_MAX_BYTES => {
                size_bytes += piece.len() as u64;
                _gone = stream.send(StreamPart::Chunk(piece)).await;
                continue;
            }
            Ok(Some(_)) => BodyError::TooLarge,
            Err(error) => error,
        };
        let (error_type, message) = match error {
            BodyError::TooLarge => ("Function.ResponseSizeTooLarge", too_large(STREAM_MAX_BYTES)),
            BodyError::Truncated => ("Runtime.TruncatedResponse", "The response was truncated".to_owned()),
        };
        let document = serde_json::json!({ "errorMessage": message, "errorType": error_type }).to_string();
        let streamed = Answer::Streamed { size_bytes, error: Some((error_type.to_owned(), document.into())) };
        return (streamed, Reply::Now(refused(&error)));
    }
}

fn too_large(limit_bytes: u64) -> String {
    format!("Response payload size exceeded maximum allowed payload size ({limit_bytes} bytes).")
}

/// Collects a streamed response for a caller that wants it whole.
async fn collect_streamed(head: &Head, reader: &mut Reader) -> (Answer, Reply) {
    let mut whole = BytesMut::new();
    loop {
        match reader.piece().await {
            Ok(Some(piece)) if whole.len() + piece.len() <= RESPONSE_MAX_BYTES => {
                whole.extend_from_slice(&piece)
            }
            Ok(Some(_)) => return failed_body(&BodyError::TooLarge),
            Ok(None) => break,
            Err(error) => return failed_body(&error),
        }
    }
    let answer = match trailer_error(reader) {
        Some((error_type, body)) => Answer::Error { error_type, body },
        None => Answer::Response { body: whole.freeze(), content_type: head.content_type.clone() },
    };
    (answer, Reply::Accepted)
}

/// The error a stream ended in, out of its trailers.
fn trailer_error(reader: &Reader) -> Option<(String, Bytes)> {
    let error_type = reader.trailers.error_type.as_deref()?;
    let encoded = reader.trailers.error_body.as_deref().unwrap_or_default();
    // A body that is not base64 is passed on as it is rather than lost.
    let body = BASE64.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
    Some((filter_error_type(error_type).to_owned(), Bytes::from(body)))
}

/// The error document without the X-Ray cause, which only X-Ray is told.
fn without_cause(head: &Head, body: Bytes) -> Bytes {
    if head.content_type != ERROR_CAUSE {
        return body;
    }
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body) {
        Ok(mut document) => {
            document.remove("errorCause");
            serde_json::to_vec(&document).map_or(body, Bytes::from)
        }
        Err(_) => body,
    }
}

fn failed_body(error: &BodyError) -> (Answer, Reply) {
    let answer = match error {
        BodyError::TooLarge => Answer::TooLarge,
        BodyError::Truncated => Answer::Truncated,
    };
    (answer, Reply::Now(refused(error)))
}

fn refused(error: &BodyError) -> Wire {
    match error {
        BodyError::TooLarge => error_answer(
            413,
            "RequestEntityTooLarge",
            &format!("Exceeded maximum allowed payload size ({RESPONSE_MAX_BYTES} bytes)."),
        ),
        BodyError::Truncated => truncated(),
    }
}

fn truncated() -> Wire {
    error_answer(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

fn forbidden(from: RuntimeState, to: &str) -> Wire {
    let message = format!(
        "State transition from {} to {to} failed for runtime. Error: State transition is not allowed",
        from.name()
    );
    error_answer(403, "InvalidStateTransition", &message)
}
