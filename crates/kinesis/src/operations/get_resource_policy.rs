//! `GetResourcePolicy`.

use api_kinesis::{GetResourcePolicyInput, GetResourcePolicyOutput};
use wire::{Context, Error};

use crate::resource;
use crate::service::Inner;

/// Recorded by a public test suite: what a stream without a policy has.
const NO_POLICY: &str = "{}";

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetResourcePolicyInput,
) -> Result<GetResourcePolicyOutput, Error> {
    let arn = input.resource_arn;
    let key = resource::stream(context, &arn, input.stream_id.as_ref())?;
    let open = inner.directory.find(&key).await?.ok_or_else(|| resource::missing(&arn))?;
    let policy = open.record.policy.clone().unwrap_or_else(|| NO_POLICY.to_owned());
    Ok(GetResourcePolicyOutput { policy })
}
