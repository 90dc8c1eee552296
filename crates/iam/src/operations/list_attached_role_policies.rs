//! `ListAttachedRolePolicies`.

use api_iam::{AttachedPolicy, ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse};
use wire::{Context, Error};

use crate::page::page;
use crate::role::{find, policy_path_and_name};
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedRolePoliciesResponse, Error> {
    let role = find(iam, &context.account, &input.role_name).await?.record;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let mut policies = Vec::with_capacity(role.attached_policies.len());
    for arn in role.attached_policies {
        let (path, name) = policy_path_and_name(&arn)?;
        if path.starts_with(prefix) {
            policies.push(AttachedPolicy { policy_name: Some(name), policy_arn: Some(arn) });
        }
    }
    let page = page(policies, input.marker.as_deref(), input.max_items)?;
    Ok(ListAttachedRolePoliciesResponse {
        attached_policies: Some(page.items),
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}
