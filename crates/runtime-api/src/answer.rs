//! What a runtime answers to an event, and what we answer to a request.

use bytes::Bytes;
use serde_json::json;

/// A part of a streamed response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPart {
    /// Comes first: the response's content type.
    Head {
        /// As the runtime sent it.
        content_type: String,
    },
    /// Bytes as the function wrote them.
    Chunk(Bytes),
}

/// What the runtime answered to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The whole response.
    Response {
        /// Its bytes.
        body: Bytes,
        /// As the runtime sent it; empty when it sent none.
        content_type: String,
    },
    /// The response went through the stream.
    Streamed {
        /// How many bytes it had.
        size_bytes: u64,
        /// What went wrong on the way: the error's type and its document.
        error: Option<(String, Bytes)>,
    },
    /// The function failed and said so.
    Error {
        /// The `Lambda-Runtime-Function-Error-Type`, filtered.
        error_type: String,
        /// The error document as the runtime sent it.
        body: Bytes,
    },
    /// The response is larger than [`crate::RESPONSE_MAX_BYTES`].
    TooLarge,
    /// The connection ended in the middle of the response.
    Truncated,
    /// The runtime asked for a response mode that does not exist.
    InvalidResponseMode,
    /// The runtime ended, or was ended, before it answered.
    Gone,
}

/// A complete HTTP response, head and body.
pub(crate) type Wire = Vec<u8>;

/// `202 {"status":"OK"}`.
pub(crate) const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// `100 Continue`, for clients that wait for it before they send a large body.
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response with a body of JSON.
pub(crate) fn json_answer(status: u16, headers: &[(&str, &str)], body: &serde_json::Value) -> Wire {
    text_answer(status, "application/json", headers, &format!("{body}\n"))
}

/// A response with a body of text.
pub(crate) fn text_answer(status: u16, content_type: &str, headers: &[(&str, &str)], body: &str) -> Wire {
    let mut wire = format!("HTTP/1.1 {status} {}\r\nContent-Type: {content_type}\r\n", reason(status));
    for (name, value) in headers {
        wire.push_str(name);
        wire.push_str(": ");
        wire.push_str(value);
        wire.push_str("\r\n");
    }
    wire.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    wire.into_bytes()
}

/// An error in the form of the Runtime API.
pub(crate) fn error_answer(status: u16, error_type: &str, message: &str) -> Wire {
    json_answer(status, &[], &json!({ "errorMessage": message, "errorType": error_type }))
}

/// No such resource.
pub(crate) fn not_found() -> Wire {
    text_answer(404, "text/plain; charset=utf-8", &[], "404 page not found\n")
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        _ => "",
    }
}

/// Writes `value` as a header value: what would end the line becomes a space.
pub(crate) fn push_header(wire: &mut Vec<u8>, name: &str, value: &str) {
    wire.extend_from_slice(name.as_bytes());
    wire.extend_from_slice(b": ");
    wire.extend(value.bytes().map(|b| if b.is_ascii_control() { b' ' } else { b }));
    wire.extend_from_slice(b"\r\n");
}
