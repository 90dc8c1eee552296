//! `ListTagsForResource` and the older `ListTagsLogGroup`.

use api_logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroupRequest,
    ListTagsLogGroupResponse,
};
use wire::{Context, Error};

use crate::group::{find, name_in_arn, snapshot};
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let name = name_in_arn(context, &input.resource_arn)?;
    let group = find(context, &*snapshot(inner).await?, &name).await?;
    Ok(ListTagsForResourceResponse { tags: Some(group.record.tags) })
}

pub(crate) async fn handle_log_group(
    inner: &Inner,
    context: &Context,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, Error> {
    let group = find(context, &*snapshot(inner).await?, &input.log_group_name).await?;
    Ok(ListTagsLogGroupResponse { tags: Some(group.record.tags) })
}
