//! `DeleteMessage`.

use api_sqs::DeleteMessageRequest;
use queue::Receipt;
use wire::{Context, Error};

use crate::errors::{missing, refused};
use crate::service::Inner;
use crate::{metrics, queue_url};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteMessageRequest,
) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let receipt = Receipt(input.receipt_handle.ok_or_else(|| missing("ReceiptHandle"))?);
    let mut results = queue.messages.delete(std::slice::from_ref(&receipt)).await;
    let Some(result) = results.pop() else { return Err(Error::internal()) };
    result.map_err(|error| refused(&error, &receipt.0))?;
    metrics::deleted(inner, &queue, 1);
    Ok(())
}
