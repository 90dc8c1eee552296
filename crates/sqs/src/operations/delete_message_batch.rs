//! `DeleteMessageBatch`.

use api_sqs::{DeleteMessageBatchRequest, DeleteMessageBatchResult, DeleteMessageBatchResultEntry};
use queue::Receipt;
use wire::{Context, Error};

use crate::batch::{self, failed, unless_empty};
use crate::errors::{missing, refused};
use crate::service::Inner;
use crate::{metrics, queue_url};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteMessageBatchRequest,
) -> Result<DeleteMessageBatchResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let entries = batch::checked(input.entries, "DeleteMessageBatchRequestEntry", |entry| entry.id.take())?;
    let (mut failures, mut ids, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
    for (id, entry) in entries {
        match entry.receipt_handle {
            Some(receipt) => {
                ids.push(id);
                receipts.push(Receipt(receipt));
            }
            None => failures.push(failed(id, &missing("ReceiptHandle"))),
        }
    }
    let results = queue.messages.delete(&receipts).await;
    let mut successful = Vec::with_capacity(ids.len());
    for ((id, receipt), result) in ids.into_iter().zip(&receipts).zip(results) {
        match result {
            Ok(()) => successful.push(DeleteMessageBatchResultEntry { id }),
            Err(error) => failures.push(failed(id, &refused(&error, &receipt.0))),
        }
    }
    metrics::deleted(inner, &queue, successful.len());
    Ok(DeleteMessageBatchResult { successful: unless_empty(successful), failed: unless_empty(failures) })
}
