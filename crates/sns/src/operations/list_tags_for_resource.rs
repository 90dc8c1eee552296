//! `ListTagsForResource`.

use api_sns::{ListTagsForResourceRequest, ListTagsForResourceResponse, Tag};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::operations::tag_resource::tagged;
use crate::topics;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Outcome<ListTagsForResourceResponse> {
    let key = tagged(context, &input.resource_arn)?;
    let topic = topics::get(sns, &key).await.map_err(crate::operations::tag_resource::missing)?;
    let tags = topic.record.tags.iter();
    let tags = tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}
