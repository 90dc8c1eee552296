//! `ListTagsForResource`.

use api_kinesis::{ListTagsForResourceInput, ListTagsForResourceOutput};
use wire::{Context, Error};

use crate::service::Inner;
use crate::{resource, tags};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Error> {
    let (tags, _) = resource::read(inner, context, &input.resource_arn, input.stream_id.as_ref()).await?;
    Ok(ListTagsForResourceOutput { tags: Some(tags::show(&tags)) })
}
