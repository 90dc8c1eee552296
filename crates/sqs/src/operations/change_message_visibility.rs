//! `ChangeMessageVisibility`.

use std::time::Duration;

use api_sqs::ChangeMessageVisibilityRequest;
use queue::{QueueError, Receipt};
use wire::{Context, Error};

use crate::errors::{invalid_value, missing, refused};
use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ChangeMessageVisibilityRequest,
) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let change = checked(input.receipt_handle, input.visibility_timeout)?;
    let mut results = queue.messages.change_visibility(std::slice::from_ref(&change)).await;
    let Some(result) = results.pop() else { return Err(Error::internal()) };
    outcome(result, &change)
}

/// What is to be changed.
pub(super) fn checked(
    receipt: Option<String>,
    visibility_timeout: Option<i32>,
) -> Result<(Receipt, Duration), Error> {
    let receipt = receipt.ok_or_else(|| missing("ReceiptHandle"))?;
    let seconds = visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
    match u64::try_from(seconds) {
        Ok(timeout) if timeout <= 43_200 => Ok((Receipt(receipt), Duration::from_secs(timeout))),
        _ => {
            let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
            Err(invalid_value(seconds, "VisibilityTimeout", reason))
        }
    }
}

/// What became of it.
pub(super) fn outcome(
    result: Result<(), QueueError>,
    (receipt, timeout): &(Receipt, Duration),
) -> Result<(), Error> {
    match result {
        Ok(()) => Ok(()),
        Err(QueueError::VisibilityTooLong) => {
            let reason = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]";
            Err(invalid_value(timeout.as_secs(), "VisibilityTimeout", reason))
        }
        Err(QueueError::ReceiptExpired) => {
            let reason = "Message does not exist or is not available for visibility timeout change.";
            Err(invalid_value(&receipt.0, "ReceiptHandle", reason))
        }
        Err(error) => Err(refused(&error, &receipt.0)),
    }
}
