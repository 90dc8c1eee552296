//! The forms of an answer.

use std::error::Error;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::{Map, Value};
use wire::{Body, Response};

/// A JSON document.
pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Response {
    // Our documents have text keys and finite numbers, so they can be written.
    let text = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes(status, text.into(), "application/json")
}

/// What went wrong, and what to do about it.
pub(crate) fn failure(status: StatusCode, message: &str, remedy: Option<&str>) -> Response {
    let mut document = Map::new();
    document.insert("message".to_owned(), Value::from(message));
    if let Some(remedy) = remedy {
        document.insert("remedy".to_owned(), Value::from(remedy));
    }
    json(status, &document)
}

/// The request is wrong.
pub(crate) fn invalid(message: &str) -> Response {
    failure(StatusCode::BAD_REQUEST, message, None)
}

/// The store is.
pub(crate) fn store_failed(error: &dyn Error) -> Response {
    tracing::error!(%error, "an answer of the server's own paths cannot be made");
    failure(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the store cannot be read or written",
        Some("the server's log says why"),
    )
}

/// A deployment package.
pub(crate) fn zip(zip: Bytes) -> Response {
    bytes(StatusCode::OK, zip, "application/zip")
}

/// Figures in the text format of Prometheus, version 0.0.4.
pub(crate) fn prometheus(text: String) -> Response {
    bytes(StatusCode::OK, text.into(), "text/plain; version=0.0.4; charset=utf-8")
}

/// A certificate.
pub(crate) fn pem(certificate: String) -> Response {
    bytes(StatusCode::OK, certificate.into(), "application/x-pem-file")
}

fn bytes(status: StatusCode, body: Bytes, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::Full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
