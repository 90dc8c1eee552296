//! `ListTagsForStream`.

use api_kinesis::{ListTagsForStreamInput, ListTagsForStreamOutput};
use wire::{Context, Error};

use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tags;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: ListTagsForStreamInput,
) -> Result<ListTagsForStreamOutput, Error> {
    let open = reference!(input).find(inner, context).await?;
    let after = input.exclusive_start_tag_key.unwrap_or_default();
    let rest = open.record.tags.iter().filter(|(name, _)| **name > after);
    let limit = input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let has_more_tags = rest.clone().count() > limit;
    Ok(ListTagsForStreamOutput { tags: tags::show(rest.take(limit)), has_more_tags })
}
