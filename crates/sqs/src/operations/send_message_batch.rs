//! `SendMessageBatch`: each entry succeeds or fails by itself, unless the batch as a whole is not one.

use api_sqs::{
    BatchResultErrorEntry, SendMessageBatchRequest, SendMessageBatchRequestEntry, SendMessageBatchResult,
    SendMessageBatchResultEntry,
};
use wire::{Context, Error};

use crate::batch::{self, failed, unless_empty};
use crate::directory::OpenQueue;
use crate::errors::{batch_too_long, deduplication_required, invalid, queue_failed};
use crate::message::{Checked, Draft, check};
use crate::service::Inner;
use crate::{metrics, queue_url};

/// "The maximum allowed individual message size and the maximum total payload size ... are both 1 MiB" (API reference,
/// `SendMessageBatch`).
const PAYLOAD_BYTES_MAX: usize = 1_048_576;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: SendMessageBatchRequest,
) -> Result<SendMessageBatchResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let entries = batch::checked(input.entries, "SendMessageBatchRequestEntry", |entry| entry.id.take())?;
    check_whole(&queue, &entries)?;
    let (mut failures, mut accepted, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (id, entry) in entries {
        let message_id = inner.ids.request_id().to_string();
        match check(&queue, context, Draft::from(entry), message_id) {
            Ok(mut checked) => {
                messages.push(std::mem::take(&mut checked.message));
                accepted.push((id, checked));
            }
            Err(error) => failures.push(failed(id, &error)),
        }
    }
    let results = queue.messages.send(messages).await;
    let mut successful = Vec::with_capacity(accepted.len());
    let mut sizes_bytes = Vec::with_capacity(accepted.len());
    for ((id, checked), result) in accepted.into_iter().zip(results) {
        match result {
            Ok(sent) => {
                sizes_bytes.push(checked.size_bytes);
                successful.push(success(id, checked, sent));
            }
            Err(error) => failures.push(failed(id, &queue_failed(&error))),
        }
    }
    metrics::sent(inner, &queue, sizes_bytes);
    let failures: Vec<BatchResultErrorEntry> = failures;
    Ok(SendMessageBatchResult { successful: unless_empty(successful), failed: unless_empty(failures) })
}

/// What the batch as a whole is refused for.
fn check_whole(queue: &OpenQueue, entries: &[(String, SendMessageBatchRequestEntry)]) -> Result<(), Error> {
    if queue.is_fifo() {
        // Recorded by a public test suite: one such entry fails the whole batch, with this code.
        for (_, entry) in entries {
            if entry.message_deduplication_id.is_none() && !queue.behaviour.content_based_deduplication {
                return Err(deduplication_required());
            }
            if entry.message_group_id.is_none() {
                return Err(invalid("The request must contain the parameter MessageGroupId."));
            }
        }
    }
    let bytes: usize = entries.iter().map(|(_, entry)| payload_bytes(entry)).sum();
    if bytes > PAYLOAD_BYTES_MAX { Err(batch_too_long(PAYLOAD_BYTES_MAX, bytes)) } else { Ok(()) }
}

fn payload_bytes(entry: &SendMessageBatchRequestEntry) -> usize {
    let attributes = entry.message_attributes.iter().flatten().map(|(name, attribute)| {
        name.len()
            + attribute.data_type.as_ref().map_or(0, String::len)
            + attribute.string_value.as_ref().map_or(0, String::len)
            + attribute.binary_value.as_ref().map_or(0, |bytes| bytes.len())
    });
    entry.message_body.as_ref().map_or(0, String::len) + attributes.sum::<usize>()
}

fn success(id: String, checked: Checked, sent: queue::Sent) -> SendMessageBatchResultEntry {
    SendMessageBatchResultEntry {
        id,
        message_id: sent.id,
        md5_of_message_body: checked.md5_of_body,
        md5_of_message_attributes: checked.md5_of_attributes,
        md5_of_message_system_attributes: checked.md5_of_system_attributes,
        sequence_number: sent.sequence_number.map(|number| format!("{number:020}")),
    }
}
