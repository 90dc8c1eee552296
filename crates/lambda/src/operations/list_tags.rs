//! `ListTags`.

use api_lambda::{ListTagsRequest, ListTagsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::find_function;
use crate::tags::tagged_function;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListTagsRequest,
) -> Outcome<ListTagsResponse> {
    let key = tagged_function(context, "ListTags", &input.resource)?;
    let row = find_function(&*lambda.snapshot().await?, &key).await?;
    Ok(ListTagsResponse { tags: Some(row.record.tags) })
}
