//! `DeleteRolePolicy`.

use api_iam::DeleteRolePolicyRequest;
use wire::{Context, Error};

use crate::errors::role_policy_missing;
use crate::role::change;
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: DeleteRolePolicyRequest,
) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        match role.inline_policies.remove(&input.policy_name) {
            Some(_) => Ok(()),
            None => Err(role_policy_missing(&input.policy_name)),
        }
    })
    .await
}
