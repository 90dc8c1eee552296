//! `UntagResource` and the older `UntagLogGroup`.

use api_logs::{UntagLogGroupRequest, UntagResourceRequest};
use wire::{Context, Error};

use crate::group::{change, name_in_arn};
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: UntagResourceRequest,
) -> Result<(), Error> {
    let name = name_in_arn(context, &input.resource_arn)?;
    remove(inner, context, &name, &input.tag_keys).await
}

pub(crate) async fn handle_log_group(
    inner: &Inner,
    context: &Context,
    input: UntagLogGroupRequest,
) -> Result<(), Error> {
    remove(inner, context, &input.log_group_name, &input.tags).await
}

async fn remove(inner: &Inner, context: &Context, name: &str, keys: &[String]) -> Result<(), Error> {
    change(inner, context, name, |group, _| {
        group.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })
    .await
}
