//! What goes wrong, in AWS's codes and words.
//!
//! The texts are those of AWS's answers, as recorded by public test suites; where none is on record they follow the
//! wording of their neighbours.

use api_sqs::{
    BatchEntryIdsNotDistinct, BatchRequestTooLong, EmptyBatchRequest, InvalidAttributeName,
    InvalidAttributeValue, InvalidBatchEntryId, InvalidMessageContents, MessageNotInflight, OverLimit,
    PurgeQueueInProgress, QueueDeletedRecently, QueueDoesNotExist, QueueNameExists, ReceiptHandleIsInvalid,
    ResourceNotFoundException, TooManyEntriesInBatchRequest,
};
use queue::QueueError;
use store::{CommitError, StoreError, TableError};
use targets::TargetError;
use wire::{At, CommonError, Error, ErrorTrait, Length, Member, Modelled, Schema, StringShape, Target};

/// Exceptions that SQS answers with and that are not in its model.
macro_rules! exception {
    ($name:ident, $schema:ident, $shape:literal, $code:literal, $status:literal) => {
        #[derive(Debug, Default)]
        struct $name {
            message: Option<String>,
        }

        static $schema: Schema = Schema {
            name: $shape,
            members: &[Member {
                name: "message",
                wire: "message",
                at: At::Body,
                required: false,
                target: &TEXT,
            }],
            union: false,
            error: Some(ErrorTrait { code: $code, status: $status, sender: true, query_message: None }),
        };

        wire::reflect!($name, $schema, { 0 => message });
    };
}

static TEXT: Target =
    Target::String(&StringShape { length: Length::ANY, pattern: None, values: &[], sensitive: false });

exception!(InvalidParameterValue, INVALID, "InvalidParameterValueException", "InvalidParameterValue", 400);
exception!(MissingRequiredParameter, MISSING, "MissingRequiredParameterException", "MissingParameter", 400);
exception!(AccessDenied, DENIED, "AccessDeniedException", "AccessDenied", 403);

/// `InvalidParameterValue`, in these words.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::Modelled(Modelled(Box::new(InvalidParameterValue { message: Some(message.into()) })))
}

/// `Value V for parameter P is invalid. Reason: R`.
pub(crate) fn invalid_value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Error {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

/// A parameter that only the other kind of queue takes.
pub(crate) fn wrong_queue_type(value: impl std::fmt::Display, parameter: &str) -> Error {
    invalid_value(value, parameter, "The request include parameter that is not valid for this queue type.")
}

pub(crate) fn missing(parameter: &str) -> Error {
    let message = Some(format!("The request must contain the parameter {parameter}."));
    Error::Modelled(Modelled(Box::new(MissingRequiredParameter { message })))
}

/// The value of a parameter that must be there and not be empty.
pub(crate) fn required(value: Option<String>, parameter: &str) -> Result<String, Error> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| missing(parameter))
}

pub(crate) fn queue_missing() -> Error {
    QueueDoesNotExist { message: Some("The specified queue does not exist.".to_owned()) }.into()
}

/// Queues of other accounts are out of reach, whether or not they exist.
pub(crate) fn access_denied(queue_url: &str) -> Error {
    let message = Some(format!("Access to the resource {queue_url} is denied."));
    Error::Modelled(Modelled(Box::new(AccessDenied { message })))
}

pub(crate) fn queue_exists(attribute: &str) -> Error {
    let message =
        format!("A queue already exists with the same name and a different value for attribute {attribute}");
    QueueNameExists { message: Some(message) }.into()
}

pub(crate) fn deleted_recently() -> Error {
    let message =
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.";
    QueueDeletedRecently { message: Some(message.to_owned()) }.into()
}

pub(crate) fn purge_in_progress(name: &str) -> Error {
    let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
    PurgeQueueInProgress { message: Some(message) }.into()
}

pub(crate) fn unknown_attribute(name: &str) -> Error {
    InvalidAttributeName { message: Some(format!("Unknown Attribute {name}.")) }.into()
}

/// `InvalidAttributeName`, in these words.
pub(crate) fn attribute_not_allowed(message: &str) -> Error {
    InvalidAttributeName { message: Some(message.to_owned()) }.into()
}

pub(crate) fn invalid_attribute(name: &str, reason: Option<&str>) -> Error {
    let reason = reason.map(|reason| format!(" Reason: {reason}")).unwrap_or_default();
    InvalidAttributeValue { message: Some(format!("Invalid value for the parameter {name}.{reason}")) }.into()
}

pub(crate) fn over_limit(message: impl Into<String>) -> Error {
    OverLimit { message: Some(message.into()) }.into()
}

pub(crate) fn invalid_contents() -> Error {
    let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | \
                   #x10000 to #x10FFFF";
    InvalidMessageContents { message: Some(message.to_owned()) }.into()
}

pub(crate) fn batch_empty(entry: &str) -> Error {
    EmptyBatchRequest { message: Some(format!("There should be at least one {entry} in the request.")) }
        .into()
}

pub(crate) fn batch_too_many(count: usize) -> Error {
    let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
    TooManyEntriesInBatchRequest { message: Some(message) }.into()
}

pub(crate) fn batch_id_invalid() -> Error {
    let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
                   letters long.";
    InvalidBatchEntryId { message: Some(message.to_owned()) }.into()
}

pub(crate) fn batch_id_repeated(id: &str) -> Error {
    BatchEntryIdsNotDistinct { message: Some(format!("Id {id} repeated.")) }.into()
}

pub(crate) fn batch_too_long(max_bytes: usize, bytes: usize) -> Error {
    let message =
        format!("Batch requests cannot be longer than {max_bytes} bytes. You have sent {bytes} bytes.");
    BatchRequestTooLong { message: Some(message) }.into()
}

/// What an ARN names does not exist.
pub(crate) fn resource_missing(parameter: &str) -> Error {
    let message = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
    ResourceNotFoundException { message: Some(message) }.into()
}

pub(crate) fn task_missing() -> Error {
    ResourceNotFoundException { message: Some("Task does not exist.".to_owned()) }.into()
}

/// What a queue refuses a message, or the receipt of one, for.
pub(crate) fn refused(error: &QueueError, receipt: &str) -> Error {
    match error {
        QueueError::InvalidReceipt => {
            let message = format!("The input receipt handle \"{receipt}\" is not a valid receipt handle.");
            ReceiptHandleIsInvalid { message: Some(message) }.into()
        }
        QueueError::ReceiptExpired => {
            invalid_value(receipt, "ReceiptHandle", "The receipt handle has expired.")
        }
        QueueError::NotInFlight => MessageNotInflight {}.into(),
        error => queue_failed(error),
    }
}

/// What a queue refuses anything for.
pub(crate) fn queue_failed(error: &QueueError) -> Error {
    match error {
        QueueError::OverLimit => over_limit(
            "Too many messages are in flight: delete what has been processed before receiving more.",
        ),
        QueueError::Removed => queue_missing(),
        QueueError::GroupRequired => missing("MessageGroupId"),
        QueueError::DeduplicationRequired => deduplication_required(),
        QueueError::VisibilityTooLong => {
            invalid("Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
        }
        QueueError::InvalidReceipt | QueueError::ReceiptExpired | QueueError::NotInFlight => {
            invalid(error.to_string())
        }
        QueueError::Store(error) => commit_failed(error),
    }
}

pub(crate) fn deduplication_required() -> Error {
    invalid(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
}

/// The store failed. The cause is logged here, never shown.
pub(crate) fn store_failed(error: &TableError) -> Error {
    tracing::error!(%error, "sqs: the store failed");
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

/// For those who hand messages over from other services.
pub(crate) fn as_target_error(error: &Error) -> TargetError {
    let message = error.message().unwrap_or("the request failed").to_owned();
    if error.status() >= 500 { TargetError::Unavailable(message) } else { TargetError::Refused(message) }
}
