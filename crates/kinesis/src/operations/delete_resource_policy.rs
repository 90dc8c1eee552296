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
    let arn = input.resource_arn;
    let key = resource::stream(context, &arn, input.stream_id.as_ref())?;
    let turn = inner.directory.turn().await;
    turn.change(&key, |record| match record.policy.take() {
        Some(_) => Ok(()),
        None => Err(not_found(format!("No resource policy found for resource ARN {arn}"))),
    })
    .await
}
