//! What goes wrong, in AWS's codes and words.
//!
//! The texts are those of AWS's answers, as recorded by public test suites; where none is on record they follow the
//! wording of their neighbours.

use api_kinesis::{
    AccessDeniedException, DryRunOperationException, InvalidArgumentException, LimitExceededException,
    ResourceInUseException, ResourceNotFoundException,
};
use store::{CommitError, StoreError, TableError};
use stream::{ShardId, StreamError};
use targets::TargetError;
use wire::{CommonError, Error};

use crate::tables::{StreamKey, StreamRecord};

/// `InvalidArgumentException`, in these words.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    InvalidArgumentException { message: Some(message.into()) }.into()
}

/// `LimitExceededException`, in these words.
pub(crate) fn over_limit(message: impl Into<String>) -> Error {
    LimitExceededException { message: Some(message.into()) }.into()
}

/// `ResourceInUseException`, in these words.
pub(crate) fn in_use(message: impl Into<String>) -> Error {
    ResourceInUseException { message: Some(message.into()) }.into()
}

/// `ResourceNotFoundException`, in these words.
pub(crate) fn not_found(message: impl Into<String>) -> Error {
    ResourceNotFoundException { message: Some(message.into()) }.into()
}

/// `ValidationException`, in these words: what the model alone cannot tell.
pub(crate) fn invalid_input(message: impl Into<String>) -> Error {
    Error::client("ValidationException", 400, message)
}

pub(crate) fn stream_missing(key: &StreamKey) -> Error {
    not_found(format!("Stream {} under account {} not found.", key.name, key.account))
}

pub(crate) fn stream_exists(key: &StreamKey) -> Error {
    in_use(format!("Stream {} under account {} already exists.", key.name, key.account))
}

/// What is to be changed must be still.
pub(crate) fn not_active(key: &StreamKey, record: &StreamRecord) -> Error {
    let (name, account, status) = (&key.name, &key.account, record.status());
    in_use(format!("Stream {name} under account {account} not ACTIVE, instead in state {status}"))
}

/// Where a shard is changed.
pub(crate) fn shard_unknown(key: &StreamKey, shard: &str) -> Error {
    not_found(format!("Could not find shard {shard} in stream {} under account {}.", key.name, key.account))
}

/// Where a shard is read.
pub(crate) fn shard_missing(key: &StreamKey, shard: ShardId) -> Error {
    not_found(format!("Shard {shard} in stream {} under account {} does not exist", key.name, key.account))
}

/// Resources of other accounts are out of reach, whether or not they exist.
pub(crate) fn access_denied(caller: &str, resource: &str) -> Error {
    let message = format!("User: {caller} is not authorized to access this resource: {resource}");
    AccessDeniedException { message: Some(message) }.into()
}

/// What a stream refuses anything for.
pub(crate) fn stream_failed(key: &StreamKey, error: &StreamError) -> Error {
    match error {
        StreamError::Removed => stream_missing(key),
        StreamError::Store(error) => commit_failed(error),
        StreamError::NoShard | StreamError::Closed | StreamError::HashKey => invalid(error.to_string()),
    }
}

/// The store failed. The cause is logged here, never shown.
pub(crate) fn store_failed(error: &TableError) -> Error {
    tracing::error!(%error, "kinesis: the store failed");
    Error::Common(CommonError {
        code: "ServiceUnavailable".to_owned(),
        status: 503,
        sender: false,
        message: "The request has failed due to a temporary failure of the server.".to_owned(),
    })
}

pub(crate) fn read_failed(error: StoreError) -> Error {
    store_failed(&error.into())
}

pub(crate) fn commit_failed(error: &CommitError) -> Error {
    store_failed(&error.clone().into())
}

/// For those who read streams within this process.
pub(crate) fn as_target_error(error: &Error) -> TargetError {
    TargetError::Unavailable(error.message().unwrap_or("the request failed").to_owned())
}

/// A request that would have succeeded, had it been meant.
pub(crate) fn dry_run() -> Error {
    let message = "Request would have succeeded, but DryRun flag is set.";
    DryRunOperationException { message: Some(message.to_owned()) }.into()
}

/// On-demand streams have as many shards as we think fit.
pub(crate) fn on_demand(key: &StreamKey) -> Error {
    let (name, account) = (&key.name, &key.account);
    invalid_input(format!("Request is invalid. Stream {name} under account {account} is in On-Demand mode."))
}
