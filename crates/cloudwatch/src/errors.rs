//! What goes wrong, in CloudWatch's codes and words.

use api_cloudwatch::{
    InternalServiceFault, InvalidNextToken, InvalidParameterCombinationException,
    InvalidParameterValueException, MissingRequiredParameterException,
};
use store::{StoreError, TableError};
use wire::Error;

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    InvalidParameterValueException { message: Some(message.into()) }.into()
}

pub(crate) fn combination(message: impl Into<String>) -> Error {
    InvalidParameterCombinationException { message: Some(message.into()) }.into()
}

pub(crate) fn exclusive(one: &str, other: &str) -> Error {
    combination(format!(
        "The parameters {one} and {other} are mutually exclusive and you have specified both."
    ))
}

pub(crate) fn missing(parameter: &str) -> Error {
    MissingRequiredParameterException { message: Some(format!("The parameter {parameter} is required.")) }
        .into()
}

/// What `GetMetricData` says of its queries.
pub(crate) fn validation(message: impl Into<String>) -> Error {
    Error::client("ValidationError", 400, message)
}

pub(crate) fn expression(id: &str, what: &str) -> Error {
    validation(format!("Error in expression '{id}': {what}"))
}

pub(crate) fn token_invalid() -> Error {
    InvalidNextToken { message: Some("The next token is not valid.".to_owned()) }.into()
}

/// There are as many metrics as are kept.
pub(crate) fn too_many_metrics(limit: usize) -> Error {
    Error::client(
        "LimitExceeded",
        400,
        format!("Lambent keeps at most {limit} metrics: this request would make more."),
    )
}

/// The store failed. The cause is logged here, never shown.
pub(crate) fn store_failed(error: &TableError) -> Error {
    tracing::error!(%error, "metrics: the store failed");
    InternalServiceFault { message: Some("The service cannot complete the request.".to_owned()) }.into()
}

pub(crate) fn read_failed(error: StoreError) -> Error {
    store_failed(&error.into())
}
