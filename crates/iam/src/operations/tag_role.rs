//! `TagRole`.

use api_iam::TagRoleRequest;
use wire::{Context, Error};

use crate::role::change;
use crate::service::Iam;
use crate::tag;

pub(crate) async fn handle(iam: &Iam, context: &Context, input: TagRoleRequest) -> Result<(), Error> {
    let tags = tag::read(input.tags)?;
    change(iam, &context.account, &input.role_name, |role| tag::add(&mut role.tags, tags.clone())).await
}
