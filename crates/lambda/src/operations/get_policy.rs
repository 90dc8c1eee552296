//! `GetPolicy`.

use api_lambda::{GetPolicyRequest, GetPolicyResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;
use crate::permission::{Owner, policy_qualifier};
use crate::tables::policy::POLICIES;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetPolicyRequest,
) -> Outcome<GetPolicyResponse> {
    let qualifier = input.qualifier.as_deref();
    let reference = FunctionReference::parse(context, "GetPolicy", &input.function_name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    let owner = Owner::find(&*snapshot, &reference).await?;
    let parts = policy_qualifier(&reference);
    let row = POLICIES.get(&*snapshot, &reference.key.parts_and(parts.as_str())).await?;
    let policy = row.ok_or_else(|| not_found("The resource you requested does not exist."))?.record;
    Ok(GetPolicyResponse {
        policy: Some(policy.document()?),
        revision_id: Some(owner.revision_id().to_owned()),
    })
}
