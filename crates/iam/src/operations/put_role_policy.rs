//! `PutRolePolicy`. The policy is stored, not evaluated.

use api_iam::PutRolePolicyRequest;
use wire::{Context, Error};

use crate::policy::check_identity_policies;
use crate::role::change;
use crate::service::Iam;

pub(crate) async fn handle(iam: &Iam, context: &Context, input: PutRolePolicyRequest) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        let others = role.inline_policies.iter().filter(|(name, _)| **name != input.policy_name);
        check_identity_policies(&role.name, &input.policy_document, others.map(|(_, document)| document))?;
        role.inline_policies.insert(input.policy_name.clone(), input.policy_document.clone());
        Ok(())
    })
    .await
}
