//! `AttachRolePolicy`.

use api_iam::AttachRolePolicyRequest;
use wire::{Context, Error};

use crate::errors::limit_exceeded;
use crate::role::{change, require_policy};
use crate::service::Iam;

/// "Managed policies attached to an IAM role: 10" (IAM user guide, "IAM and AWS STS quotas").
const POLICIES_MAX: usize = 10;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: AttachRolePolicyRequest,
) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        require_policy("Policy", &input.policy_arn)?;
        if role.attached_policies.contains(&input.policy_arn) {
            return Ok(());
        }
        if role.attached_policies.len() == POLICIES_MAX {
            return Err(limit_exceeded(format!("Cannot exceed quota for PoliciesPerRole: {POLICIES_MAX}")));
        }
        role.attached_policies.push(input.policy_arn.clone());
        Ok(())
    })
    .await
}
