//! `PutResourcePolicy`: the policy is kept and shown. Requests of other accounts are refused whatever it says.

use api_kinesis::PutResourcePolicyInput;
use serde_json::Value;
use wire::{Context, Error};

use crate::errors::{invalid, over_limit};
use crate::resource;
use crate::service::Inner;

/// "20 KB" ("Sharing your data stream with another account" in the developer guide).
const POLICY_BYTES_MAX: usize = 20 << 10;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: PutResourcePolicyInput,
) -> Result<(), Error> {
    check(&input.policy)?;
    let (arn, id) = (input.resource_arn, input.stream_id);
    resource::change(inner, context, &arn, id.as_ref(), |_, attached| {
        *attached.policy = Some(input.policy);
        Ok(())
    })
    .await
}

fn check(policy: &str) -> Result<(), Error> {
    if policy.len() > POLICY_BYTES_MAX {
        return Err(over_limit(format!("The policy is longer than {POLICY_BYTES_MAX} bytes.")));
    }
    let parsed = serde_json::from_str::<Value>(policy).ok();
    match parsed.as_ref().and_then(|policy| policy.get("Statement")) {
        Some(Value::Object(_) | Value::Array(_)) => Ok(()),
        _ => Err(invalid("The policy is no JSON document with a Statement.")),
    }
}
