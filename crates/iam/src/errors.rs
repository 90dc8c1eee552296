//! What goes wrong, in AWS's codes and words.

use api_iam::{
    ConcurrentModificationException, DeleteConflictException, EntityAlreadyExistsException,
    InvalidInputException, LimitExceededException, MalformedPolicyDocumentException, NoSuchEntityException,
};
use store::{CommitError, StoreError, TableError};
use wire::Error;

/// 409 `EntityAlreadyExists`.
pub(crate) fn role_exists(name: &str) -> Error {
    EntityAlreadyExistsException { message: Some(format!("Role with name {name} already exists.")) }.into()
}

/// 404 `NoSuchEntity`.
pub(crate) fn not_found(message: impl Into<String>) -> Error {
    NoSuchEntityException { message: Some(message.into()) }.into()
}

/// 404 `NoSuchEntity` of a role.
pub(crate) fn role_missing(name: &str) -> Error {
    not_found(format!("The role with name {name} cannot be found."))
}

/// 404 `NoSuchEntity` of an inline policy.
pub(crate) fn role_policy_missing(name: &str) -> Error {
    not_found(format!("The role policy with name {name} cannot be found."))
}

/// 409 `DeleteConflict`.
pub(crate) fn must_first(what: &str) -> Error {
    let message = format!("Cannot delete entity, must {what} first.");
    DeleteConflictException { message: Some(message) }.into()
}

/// 400 `MalformedPolicyDocument`.
pub(crate) fn malformed_policy(message: impl Into<String>) -> Error {
    MalformedPolicyDocumentException { message: Some(message.into()) }.into()
}

/// 409 `LimitExceeded`.
pub(crate) fn limit_exceeded(message: impl Into<String>) -> Error {
    LimitExceededException { message: Some(message.into()) }.into()
}

/// 400 `InvalidInput`.
pub(crate) fn invalid_input(message: impl Into<String>) -> Error {
    InvalidInputException { message: Some(message.into()) }.into()
}

/// 400 `ValidationError`, for what the model cannot check.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::client("ValidationError", 400, message)
}

/// 403 `AccessDenied`.
pub(crate) fn access_denied(message: impl Into<String>) -> Error {
    Error::client("AccessDenied", 403, message)
}

/// 409 `ConcurrentModification`: others kept changing the same role.
pub(crate) fn concurrent_modification() -> Error {
    let message = "The request was rejected because multiple requests to change this object were submitted \
                   simultaneously. Wait a few minutes and submit your request again.";
    ConcurrentModificationException { message: Some(message.to_owned()) }.into()
}

/// A read failed. The cause is logged here, never shown.
pub(crate) fn store_failed(error: &TableError) -> Error {
    tracing::error!(%error, "iam: the store failed");
    Error::internal()
}

/// A snapshot could not be taken, or a key not be understood.
pub(crate) fn read_failed(error: StoreError) -> Error {
    store_failed(&error.into())
}

/// A commit that failed for another reason than a check.
pub(crate) fn commit_failed(error: CommitError) -> Error {
    match error {
        // White space does not count against the quotas of policies, so that they alone do not keep a role small.
        CommitError::TooLarge(_) => limit_exceeded("The role, with its policies and tags, is too large."),
        error => store_failed(&error.into()),
    }
}
