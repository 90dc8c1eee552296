//! What can go wrong, and how the API says it.

use api_sns::{
    AuthorizationErrorException, BatchEntryIdsNotDistinctException, BatchRequestTooLongException,
    EmptyBatchRequestException, FilterPolicyLimitExceededException, InternalErrorException,
    InvalidBatchEntryIdException, InvalidParameterException, InvalidParameterValueException,
    NotFoundException, ResourceNotFoundException, SubscriptionLimitExceededException,
    TagLimitExceededException, TooManyEntriesInBatchRequestException,
};
use store::{CommitError, StoreError, TableError};
use wire::Error;

/// An operation that was not fulfilled.
#[derive(Debug)]
pub(crate) enum Failure {
    /// In the API's words.
    Answer(Error),
    /// Our own fault: the text is logged, not shown.
    Internal(String),
    /// Somebody else changed the same thing at the same time. Nothing was changed.
    Conflict,
}

/// What operations return.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// 400 `InvalidParameter`, with AWS's prefix.
pub(crate) fn invalid(what: impl AsRef<str>) -> Failure {
    invalid_as_is(format!("Invalid parameter: {}", what.as_ref()))
}

/// 400 `InvalidParameter`, in exactly these words.
pub(crate) fn invalid_as_is(text: impl Into<String>) -> Failure {
    Failure::Answer(InvalidParameterException { message: Some(text.into()) }.into())
}

/// 400 `InvalidParameter` for what would have to be honoured and is not.
pub(crate) fn unsupported(what: &str) -> Failure {
    invalid(format!("{what} is not supported by Lambent yet."))
}

/// 400 `ParameterValueInvalid`.
pub(crate) fn value_invalid(text: impl Into<String>) -> Failure {
    Failure::Answer(InvalidParameterValueException { message: Some(text.into()) }.into())
}

/// 404 `NotFound`.
pub(crate) fn not_found(text: &str) -> Failure {
    Failure::Answer(NotFoundException { message: Some(text.to_owned()) }.into())
}

pub(crate) fn topic_missing() -> Failure {
    not_found("Topic does not exist")
}

pub(crate) fn subscription_missing() -> Failure {
    not_found("Subscription does not exist")
}

/// 404 `ResourceNotFound`: what the operations on tags answer.
pub(crate) fn resource_missing() -> Failure {
    Failure::Answer(ResourceNotFoundException { message: Some("Resource does not exist".to_owned()) }.into())
}

/// 403 `AuthorizationError`.
pub(crate) fn not_authorized(text: String) -> Failure {
    Failure::Answer(AuthorizationErrorException { message: Some(text) }.into())
}

pub(crate) fn too_many_tags() -> Failure {
    let text = "Could not complete request: tag quota of per resource exceeded".to_owned();
    Failure::Answer(TagLimitExceededException { message: Some(text) }.into())
}

pub(crate) fn too_many_subscriptions() -> Failure {
    let text = "Limit of subscriptions per topic was reached".to_owned();
    Failure::Answer(SubscriptionLimitExceededException { message: Some(text) }.into())
}

pub(crate) fn too_many_filter_policies() -> Failure {
    let text = "Limit of filter policies per topic was reached".to_owned();
    Failure::Answer(FilterPolicyLimitExceededException { message: Some(text) }.into())
}

pub(crate) fn batch_empty() -> Failure {
    let text = "The batch request doesn't contain any entries.".to_owned();
    Failure::Answer(EmptyBatchRequestException { message: Some(text) }.into())
}

pub(crate) fn batch_too_many() -> Failure {
    let text = "The batch request contains more entries than permissible.".to_owned();
    Failure::Answer(TooManyEntriesInBatchRequestException { message: Some(text) }.into())
}

pub(crate) fn batch_ids_not_distinct() -> Failure {
    let text = "Two or more batch entries in the request have the same Id.".to_owned();
    Failure::Answer(BatchEntryIdsNotDistinctException { message: Some(text) }.into())
}

pub(crate) fn batch_id_invalid() -> Failure {
    let text = "The Id of a batch entry in a batch request doesn't abide by the specification.".to_owned();
    Failure::Answer(InvalidBatchEntryIdException { message: Some(text) }.into())
}

pub(crate) fn batch_too_long() -> Failure {
    let text = "The length of all the messages put together is more than the limit.".to_owned();
    Failure::Answer(BatchRequestTooLongException { message: Some(text) }.into())
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let text = match failure {
            Failure::Answer(error) => return error,
            Failure::Internal(cause) => {
                tracing::error!(cause, "an SNS operation failed");
                "The request could not be completed because of an internal error."
            }
            Failure::Conflict => "Others kept changing the same thing at the same time.",
        };
        InternalErrorException { message: Some(text.to_owned()) }.into()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::Conflict,
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Commit(error) => error.into(),
            TableError::Store(error) => error.into(),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
