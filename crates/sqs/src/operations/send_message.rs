//! `SendMessage`.

use api_sqs::{SendMessageRequest, SendMessageResult};
use wire::{Context, Error};

use crate::errors::queue_failed;
use crate::message::{Checked, Draft, check};
use crate::service::Inner;
use crate::{metrics, queue_url};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: SendMessageRequest,
) -> Result<SendMessageResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url.take()).await?;
    let id = inner.ids.request_id().to_string();
    let Checked { message, size_bytes, md5_of_body, md5_of_attributes, md5_of_system_attributes } =
        check(&queue, context, Draft::from(input), id)?;
    let mut results = queue.messages.send(vec![message]).await;
    let Some(result) = results.pop() else { return Err(Error::internal()) };
    let sent = result.map_err(|error| queue_failed(&error))?;
    metrics::sent(inner, &queue, [size_bytes]);
    Ok(SendMessageResult {
        md5_of_message_body: Some(md5_of_body),
        md5_of_message_attributes: md5_of_attributes,
        md5_of_message_system_attributes: md5_of_system_attributes,
        message_id: Some(sent.id),
        sequence_number: sent.sequence_number.map(|number| format!("{number:020}")),
    })
}
