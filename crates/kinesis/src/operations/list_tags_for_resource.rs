//! `ListTagsForResource`.

use api_kinesis::{ListTagsForResourceInput, ListTagsForResourceOutput};
use wire::{Context, Error};

use crate::errors::stream_missing;
use crate::service::Inner;
use crate::{resource, tags};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Error> {
    let key = resource::stream(context, &input.resource_arn, input.stream_id.as_ref())?;
    let open = inner.directory.find(&key).await?.ok_or_else(|| stream_missing(&key))?;
    Ok(ListTagsForResourceOutput { tags: Some(tags::show(&open.record.tags)) })
}
