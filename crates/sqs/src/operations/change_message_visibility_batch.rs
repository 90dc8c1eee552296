//! `ChangeMessageVisibilityBatch`.

use api_sqs::{
    ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult,
    ChangeMessageVisibilityBatchResultEntry,
};
use wire::{Context, Error};

use super::change_message_visibility::{checked, outcome};
use crate::batch::{self, failed, unless_empty};
use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ChangeMessageVisibilityBatchRequest,
) -> Result<ChangeMessageVisibilityBatchResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let entries =
        batch::checked(input.entries, "ChangeMessageVisibilityBatchRequestEntry", |entry| entry.id.take())?;
    let (mut failures, mut ids, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for (id, entry) in entries {
        // Without a timeout the message becomes visible, as in the API's older form.
        match checked(entry.receipt_handle, Some(entry.visibility_timeout.unwrap_or(0))) {
            Ok(change) => {
                ids.push(id);
                changes.push(change);
            }
            Err(error) => failures.push(failed(id, &error)),
        }
    }
    let results = queue.messages.change_visibility(&changes).await;
    let mut successful = Vec::with_capacity(ids.len());
    for ((id, change), result) in ids.into_iter().zip(&changes).zip(results) {
        match outcome(result, change) {
            Ok(()) => successful.push(ChangeMessageVisibilityBatchResultEntry { id }),
            Err(error) => failures.push(failed(id, &error)),
        }
    }
    Ok(ChangeMessageVisibilityBatchResult {
        successful: unless_empty(successful),
        failed: unless_empty(failures),
    })
}
