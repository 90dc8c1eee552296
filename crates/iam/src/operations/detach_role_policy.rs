//! `DetachRolePolicy`.

use api_iam::DetachRolePolicyRequest;
use wire::{Context, Error};

use crate::errors::not_found;
use crate::role::{change, policy_path_and_name};
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: DetachRolePolicyRequest,
) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        policy_path_and_name(&input.policy_arn)?;
        let attached = role.attached_policies.iter().position(|arn| *arn == input.policy_arn);
        let index =
            attached.ok_or_else(|| not_found(format!("Policy {} was not found.", input.policy_arn)))?;
        role.attached_policies.remove(index);
        Ok(())
    })
    .await
}
