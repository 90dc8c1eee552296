//! `GetFunctionCodeSigningConfig`.

use api_lambda::{GetFunctionCodeSigningConfigRequest, GetFunctionCodeSigningConfigResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function};

/// No function has a code signing configuration: none can be made yet. AWS answers that with an empty ARN, not with
/// an error; Terraform asks for every function.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionCodeSigningConfigRequest,
) -> Outcome<GetFunctionCodeSigningConfigResponse> {
    let operation = "GetFunctionCodeSigningConfig";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    find_function(&*lambda.snapshot().await?, &key).await?;
    Ok(GetFunctionCodeSigningConfigResponse {
        code_signing_config_arn: String::new(),
        function_name: key.name,
    })
}
