//! `GetResourcePolicy`.

use api_kinesis::{GetResourcePolicyInput, GetResourcePolicyOutput};
use wire::{Context, Error};

use crate::resource;
use crate::service::Inner;

/// Recorded by a public test suite: what a resource without a policy has.
const NO_POLICY: &str = "{}";

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetResourcePolicyInput,
) -> Result<GetResourcePolicyOutput, Error> {
    let (_, policy) = resource::read(inner, context, &input.resource_arn, input.stream_id.as_ref()).await?;
    Ok(GetResourcePolicyOutput { policy: policy.unwrap_or_else(|| NO_POLICY.to_owned()) })
}
