//! `TagResource` and the older `TagLogGroup`.

use std::collections::BTreeMap;

use api_logs::{TagLogGroupRequest, TagResourceRequest, TooManyTagsException};
use wire::{Context, Error};

use crate::errors::invalid;
use crate::group::{TAGS_MAX, arn, change, check_tags, name_in_arn};
use crate::service::Inner;

pub(crate) async fn handle(inner: &Inner, context: &Context, input: TagResourceRequest) -> Result<(), Error> {
    let name = name_in_arn(context, &input.resource_arn)?;
    let too_many = || {
        TooManyTagsException {
            message: Some(format!("A resource can have no more than {TAGS_MAX} tags.")),
            resource_name: Some(arn(context, &name)),
        }
        .into()
    };
    add(inner, context, &name, &input.tags, too_many).await
}

pub(crate) async fn handle_log_group(
    inner: &Inner,
    context: &Context,
    input: TagLogGroupRequest,
) -> Result<(), Error> {
    let too_many = || invalid(format!("A log group can have no more than {TAGS_MAX} tags."));
    add(inner, context, &input.log_group_name, &input.tags, too_many).await
}

async fn add(
    inner: &Inner,
    context: &Context,
    name: &str,
    tags: &BTreeMap<String, String>,
    too_many: impl Fn() -> Error,
) -> Result<(), Error> {
    check_tags(tags)?;
    change(inner, context, name, |group, _| {
        group.tags.extend(tags.clone());
        if group.tags.len() > TAGS_MAX { Err(too_many()) } else { Ok(()) }
    })
    .await
}
