//! `ListQueueTags`.

use api_sqs::{ListQueueTagsRequest, ListQueueTagsResult};
use wire::{Context, Error};

use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListQueueTagsRequest,
) -> Result<ListQueueTagsResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let tags = &queue.record.tags;
    Ok(ListQueueTagsResult { tags: (!tags.is_empty()).then(|| tags.clone()) })
}
