//! `ListTags`.

use api_lambda::{ListTagsRequest, ListTagsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::{read_tags, tagged_mapping};
use crate::function::find_function;
use crate::tags::tagged_function;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListTagsRequest,
) -> Outcome<ListTagsResponse> {
    if let Some(uuid) = tagged_mapping(context, &input.resource)? {
        return Ok(ListTagsResponse { tags: Some(read_tags(lambda, context, &uuid).await?) });
    }
    let key = tagged_function(context, "ListTags", &input.resource)?;
    let row = find_function(&*lambda.snapshot().await?, &key).await?;
    Ok(ListTagsResponse { tags: Some(row.record.tags) })
}
