//! `GetRolePolicy`.

use api_iam::{GetRolePolicyRequest, GetRolePolicyResponse};
use wire::{Context, Error};

use crate::errors::role_policy_missing;
use crate::role::{encode_document, find};
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: GetRolePolicyRequest,
) -> Result<GetRolePolicyResponse, Error> {
    let role = find(iam, &context.account, &input.role_name).await?.record;
    let document = role.inline_policies.get(&input.policy_name);
    let document = document.ok_or_else(|| role_policy_missing(&input.policy_name))?;
    Ok(GetRolePolicyResponse {
        policy_document: encode_document(document),
        role_name: role.name,
        policy_name: input.policy_name,
    })
}
