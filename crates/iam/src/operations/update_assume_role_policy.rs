//! `UpdateAssumeRolePolicy`.

use api_iam::UpdateAssumeRolePolicyRequest;
use wire::{Context, Error};

use crate::policy::TrustPolicy;
use crate::role::change;
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: UpdateAssumeRolePolicyRequest,
) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        TrustPolicy::parse(&input.policy_document)?;
        role.trust_policy.clone_from(&input.policy_document);
        Ok(())
    })
    .await
}
