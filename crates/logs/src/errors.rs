//! What goes wrong, in AWS's codes and words.

use store::{CommitError, StoreError, TableError};
use wire::{CommonError, Error};

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::client("InvalidParameterException", 400, message)
}

pub(crate) fn group_exists() -> Error {
    Error::client("ResourceAlreadyExistsException", 400, "The specified log group already exists")
}

pub(crate) fn stream_exists() -> Error {
    Error::client("ResourceAlreadyExistsException", 400, "The specified log stream already exists")
}

pub(crate) fn group_missing() -> Error {
    Error::client("ResourceNotFoundException", 400, "The specified log group does not exist.")
}

pub(crate) fn stream_missing() -> Error {
    Error::client("ResourceNotFoundException", 400, "The specified log stream does not exist.")
}

pub(crate) fn token_invalid() -> Error {
    invalid("The specified nextToken is invalid.")
}

/// Others kept changing the same resource.
pub(crate) fn aborted() -> Error {
    Error::client("OperationAbortedException", 400, "A conflicting operation is currently in progress.")
}

pub(crate) fn unavailable() -> Error {
    Error::Common(CommonError {
        code: "ServiceUnavailableException".to_owned(),
        status: 500,
        sender: false,
        message: "The service cannot complete the request.".to_owned(),
    })
}

/// The store failed. The cause is logged here, never shown.
pub(crate) fn store_failed(error: &TableError) -> Error {
    tracing::error!(%error, "logs: the store failed");
    unavailable()
}

pub(crate) fn read_failed(error: StoreError) -> Error {
    store_failed(&error.into())
}

/// A commit that failed for another reason than a check.
pub(crate) fn commit_failed(error: CommitError) -> Error {
    store_failed(&error.into())
}
