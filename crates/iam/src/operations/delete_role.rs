//! `DeleteRole`.

use api_iam::DeleteRoleRequest;
use wire::{Context, Error};

use crate::errors::must_first;
use crate::role::remove;
use crate::service::Iam;

pub(crate) async fn handle(iam: &Iam, context: &Context, input: DeleteRoleRequest) -> Result<(), Error> {
    remove(iam, &context.account, &input.role_name, |role| {
        if !role.attached_policies.is_empty() {
            return Err(must_first("detach all policies"));
        }
        if !role.inline_policies.is_empty() {
            return Err(must_first("delete policies"));
        }
        Ok(())
    })
    .await
}
