//! `GetRuntimeManagementConfig`.

use api_lambda::{GetRuntimeManagementConfigRequest, GetRuntimeManagementConfigResponse, UpdateRuntimeOn};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function, find_version};

/// `Auto` is all that `PutRuntimeManagementConfig` takes.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetRuntimeManagementConfigRequest,
) -> Outcome<GetRuntimeManagementConfigResponse> {
    let operation = "GetRuntimeManagementConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    let function = find_function(&*snapshot, &reference.key).await?.record;
    find_version(&*snapshot, &reference, &function).await?;
    Ok(GetRuntimeManagementConfigResponse {
        update_runtime_on: Some(UpdateRuntimeOn::Auto),
        function_arn: Some(reference.arn().to_string()),
        runtime_version_arn: None,
    })
}
