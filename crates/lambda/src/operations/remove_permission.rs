//! `RemovePermission`.

use api_lambda::RemovePermissionRequest;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::FunctionReference;
use crate::permission::change_policy;
use crate::policy;

pub(crate) async fn run(lambda: &Lambda, context: &Context, input: RemovePermissionRequest) -> Outcome<()> {
    let qualifier = input.qualifier.as_deref();
    let reference = FunctionReference::parse(context, "RemovePermission", &input.function_name, qualifier)?;
    change_policy(lambda, &reference, input.revision_id.as_deref(), |policy| {
        policy::existing(policy)?.remove(&input.statement_id)
    })
    .await
}
