//! `GetQueueUrl`.

use api_sqs::{GetQueueUrlRequest, GetQueueUrlResult};
use wire::{Context, Error};

use crate::errors::{queue_missing, required};
use crate::queue_url::url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetQueueUrlRequest,
) -> Result<GetQueueUrlResult, Error> {
    let name = required(input.queue_name, "QueueName")?;
    // Others' queues are out of reach: AWS tells nobody whether such a queue exists.
    if input.queue_owner_aws_account_id.is_some_and(|owner| owner != context.account.as_str()) {
        return Err(queue_missing());
    }
    let queue = inner.directory.find(&context.account, &context.region, &name).await?;
    let queue = queue.ok_or_else(queue_missing)?;
    Ok(GetQueueUrlResult { queue_url: Some(url(context, &queue.key)) })
}
