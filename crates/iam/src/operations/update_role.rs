//! `UpdateRole`. What the request does not name stays as it is.

use api_iam::{UpdateRoleRequest, UpdateRoleResponse};
use wire::{Context, Error};

use crate::role::change;
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: UpdateRoleRequest,
) -> Result<UpdateRoleResponse, Error> {
    change(iam, &context.account, &input.role_name, |role| {
        if let Some(description) = &input.description {
            role.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(seconds) = input.max_session_duration {
            role.max_session_seconds = seconds;
        }
        Ok(())
    })
    .await?;
    Ok(UpdateRoleResponse {})
}
