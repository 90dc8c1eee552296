//! `GetRole`.

use api_iam::{GetRoleRequest, GetRoleResponse};
use wire::{Context, Error};

use crate::role::{find, show};
use crate::service::Iam;

pub(crate) async fn handle(
    iam: &Iam,
    context: &Context,
    input: GetRoleRequest,
) -> Result<GetRoleResponse, Error> {
    let row = find(iam, &context.account, &input.role_name).await?;
    Ok(GetRoleResponse { role: show(&context.account, row.record) })
}
