//! `AddPermission`.

use api_lambda::{AddPermissionRequest, AddPermissionResponse};
use ids::Qualifier;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::function::FunctionReference;
use crate::permission::change_policy;
use crate::policy::{Condition, Principal, Statement, to_json};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: AddPermissionRequest,
) -> Outcome<AddPermissionResponse> {
    let qualifier = input.qualifier.as_deref();
    let reference = FunctionReference::parse(context, "AddPermission", &input.function_name, qualifier)?;
    if reference.qualifier == Some(Qualifier::Latest) {
        return Err(invalid_parameter("We currently do not support adding policies for $LATEST."));
    }
    if input.function_url_auth_type.is_some() && input.action != "lambda:InvokeFunctionUrl" {
        return Err(invalid_parameter(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
        ));
    }
    let statement = Statement::allow(
        &input.statement_id,
        Principal::parse(&input.principal)?,
        &input.action,
        &reference.arn().to_string(),
        Condition::of_permission(&input),
    );
    let shown = to_json(&statement)?;
    change_policy(lambda, &reference, input.revision_id.as_deref(), |policy| {
        let mut policy = policy.unwrap_or_default();
        policy.add(statement.clone())?;
        Ok(Some(policy))
    })
    .await?;
    Ok(AddPermissionResponse { statement: Some(shown) })
}
