//! `DeleteResourcePolicy`.

use api_kinesis::DeleteResourcePolicyInput;
use wire::{Context, Error};

use crate::errors::not_found;
use crate::resource;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteResourcePolicyInput,
) -> Result<(), Error> {
    let (arn, id) = (input.resource_arn, input.stream_id);
    resource::change(inner, context, &arn, id.as_ref(), |_, attached| match attached.policy.take() {
        Some(_) => Ok(()),
        None => Err(not_found(format!("No resource policy found for resource ARN {arn}"))),
    })
    .await
}
