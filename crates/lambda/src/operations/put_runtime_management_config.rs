//! `PutRuntimeManagementConfig`.

use api_lambda::{PutRuntimeManagementConfigRequest, PutRuntimeManagementConfigResponse, UpdateRuntimeOn};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, unsupported};
use crate::function::{FunctionReference, find_function, find_version};

/// Functions run on the host's interpreters, so that a runtime is updated when the host's is: that is `Auto`, the
/// default. What would keep an older one is refused.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PutRuntimeManagementConfigRequest,
) -> Outcome<PutRuntimeManagementConfigResponse> {
    let operation = "PutRuntimeManagementConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    let function = find_function(&*snapshot, &reference.key).await?.record;
    find_version(&*snapshot, &reference, &function).await?;
    if input.update_runtime_on != UpdateRuntimeOn::Auto {
        return Err(unsupported(&format!("UpdateRuntimeOn {}", input.update_runtime_on.as_str())));
    }
    if input.runtime_version_arn.is_some() {
        return Err(unsupported("RuntimeVersionArn"));
    }
    Ok(PutRuntimeManagementConfigResponse {
        update_runtime_on: UpdateRuntimeOn::Auto,
        function_arn: reference.arn().to_string(),
        runtime_version_arn: None,
    })
}
