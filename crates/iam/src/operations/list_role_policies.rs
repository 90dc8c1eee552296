//! `ListRolePolicies`.

use api_iam::{ListRolePoliciesRequest, ListRolePoliciesResponse};
use wire::{Context, Error};

use crate::page::page;
use crate::role::find;
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: ListRolePoliciesRequest,
) -> Result<ListRolePoliciesResponse, Error> {
    let role = find(iam, &context.account, &input.role_name).await?.record;
    let names = role.inline_policies.into_keys().collect();
    let page = page(names, input.marker.as_deref(), input.max_items)?;
    Ok(ListRolePoliciesResponse {
        policy_names: page.items,
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}
