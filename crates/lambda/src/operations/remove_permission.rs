//! `RemovePermission`.

use api_lambda::RemovePermissionRequest;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;
use crate::permission::change_policy;
use crate::policy;
use crate::tables::function::FUNCTIONS;

pub(crate) async fn run(lambda: &Lambda, context: &Context, input: RemovePermissionRequest) -> Outcome<()> {
    let qualifier = input.qualifier.as_deref();
    let reference = FunctionReference::parse(context, "RemovePermission", &input.function_name, qualifier)?;
    let function = FUNCTIONS.get_now(&*lambda.store, &reference.key.parts()).await?;
    function.ok_or_else(|| not_found(format!("No policy found for: {}", reference.key.arn())))?;
    change_policy(lambda, &reference, input.revision_id.as_deref(), |policy| {
        policy::existing(policy)?.remove(&input.statement_id)
    })
    .await
}
