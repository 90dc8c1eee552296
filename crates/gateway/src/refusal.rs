//! What the gateway itself answers when a request does not reach its service.

use auth::AuthError;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use ids::RequestId;
use wire::{Body, Bytes, Error, Protocol, ServiceSchema};

/// Why a request was not handed to a service, and how to say so.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The service that was meant, where that is known.
    pub(crate) service: Option<&'static ServiceSchema>,
    /// How the client expects errors to be written.
    pub(crate) dialect: Dialect,
    /// What is wrong.
    pub(crate) error: Error,
}

/// How an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As the protocol says.
    Protocol(Protocol),
    /// S3's own: XML without the wrapper of the other services.
    S3,
}

impl Refusal {
    pub(crate) fn new(dialect: Dialect, error: Error) -> Self {
        Self { service: None, dialect, error }
    }

    pub(crate) fn answer(&self, request_id: RequestId) -> wire::Response {
        match self.dialect {
            Dialect::Protocol(protocol) => {
                wire::respond_error(self.service, protocol, request_id, &self.error)
            }
            Dialect::S3 => s3_error(&self.error, request_id),
        }
    }
}

/// An error in the form of "Error Responses", Amazon S3 API reference.
fn s3_error(error: &Error, request_id: RequestId) -> wire::Response {
    let code = escape(error.code());
    let message = escape(error.message().unwrap_or_default());
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{request_id}</RequestId></Error>"
    );
    let mut response = Response::new(Body::Full(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert("x-amz-request-id", id);
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The error for a caller who could not be established. Codes and statuses differ by protocol ("Common Errors"
/// of each service's API reference).
pub(crate) fn auth_error(error: &AuthError, dialect: Dialect) -> Error {
    let [s3, json, query, rest] = match error {
        AuthError::Missing => [
            (403, "AccessDenied"),
            (400, "MissingAuthenticationTokenException"),
            (403, "MissingAuthenticationToken"),
            (403, "MissingAuthenticationTokenException"),
        ],
        AuthError::Malformed(_) | AuthError::UnsupportedAlgorithm(_) => [
            (400, "AuthorizationHeaderMalformed"),
            (400, "IncompleteSignatureException"),
            (400, "IncompleteSignature"),
            (403, "IncompleteSignatureException"),
        ],
        AuthError::MalformedQuery(_) => [
            (400, "AuthorizationQueryParametersError"),
            (400, "IncompleteSignatureException"),
            (400, "IncompleteSignature"),
            (403, "IncompleteSignatureException"),
        ],
        AuthError::UnknownAccessKey { .. } | AuthError::InvalidToken => [
            (403, if *error == AuthError::InvalidToken { "InvalidToken" } else { "InvalidAccessKeyId" }),
            (400, "UnrecognizedClientException"),
            (403, "InvalidClientTokenId"),
            (403, "UnrecognizedClientException"),
        ],
        AuthError::ExpiredToken => [
            (400, "ExpiredToken"),
            (400, "ExpiredTokenException"),
            (403, "ExpiredToken"),
            (403, "ExpiredTokenException"),
        ],
        AuthError::SignatureMismatch(_)
        | AuthError::SignatureExpired { .. }
        | AuthError::SignatureNotYetCurrent { .. }
        | AuthError::PresignedExpired { .. }
        | AuthError::ContentMismatch { .. } => [
            s3_signature_error(error),
            (400, "InvalidSignatureException"),
            (403, "SignatureDoesNotMatch"),
            (403, "InvalidSignatureException"),
        ],
        AuthError::HeadersNotSigned(_) => [(403, "AccessDenied"); 4],
        AuthError::StreamingPayload(_) => [(501, "NotImplemented"); 4],
        AuthError::Lookup(cause) => {
            tracing::error!(cause, "an access key could not be looked up");
            return Error::internal();
        }
    };
    let (status, code) = match dialect {
        Dialect::S3 => s3,
        Dialect::Protocol(
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::AwsCbor11 | Protocol::RpcV2Cbor,
        ) => json,
        Dialect::Protocol(Protocol::AwsQuery | Protocol::RestXml) => query,
        Dialect::Protocol(Protocol::RestJson1) => rest,
    };
    Error::client(code, status, error.to_string())
}

fn s3_signature_error(error: &AuthError) -> (u16, &'static str) {
    match error {
        AuthError::SignatureExpired { .. } | AuthError::SignatureNotYetCurrent { .. } => {
            (403, "RequestTimeTooSkewed")
        }
        AuthError::PresignedExpired { .. } => (403, "AccessDenied"),
        AuthError::ContentMismatch { .. } => (400, "XAmzContentSHA256Mismatch"),
        _ => (403, "SignatureDoesNotMatch"),
    }
}
