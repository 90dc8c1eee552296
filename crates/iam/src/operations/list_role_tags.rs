//! `ListRoleTags`.

use api_iam::{ListRoleTagsRequest, ListRoleTagsResponse};
use wire::{Context, Error};

use crate::page::page;
use crate::role::find;
use crate::service::Iam;
use crate::tag;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: ListRoleTagsRequest,
) -> Result<ListRoleTagsResponse, Error> {
    let role = find(iam, &context.account, &input.role_name).await?.record;
    let page = page(tag::show(&role.tags), input.marker.as_deref(), input.max_items)?;
    Ok(ListRoleTagsResponse {
        tags: page.items,
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}
