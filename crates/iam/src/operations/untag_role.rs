//! `UntagRole`. Keys that the role has not are none to remove.

use api_iam::UntagRoleRequest;
use wire::{Context, Error};

use crate::role::change;
use crate::service::Iam;
use crate::tag;

pub(crate) async fn handle(iam: &Iam, context: &Context, input: UntagRoleRequest) -> Result<(), Error> {
    change(iam, &context.account, &input.role_name, |role| {
        for key in &input.tag_keys {
            role.tags.remove(&tag::fold(key));
        }
        Ok(())
    })
    .await
}
