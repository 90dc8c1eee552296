//! `GetFunctionRecursionConfig`.

use api_lambda::{GetFunctionRecursionConfigRequest, GetFunctionRecursionConfigResponse, RecursiveLoop};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionRecursionConfigRequest,
) -> Outcome<GetFunctionRecursionConfigResponse> {
    let operation = "GetFunctionRecursionConfig";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    let function = find_function(&*lambda.snapshot().await?, &key).await?.record;
    let recursive_loop = if function.allows_loops { RecursiveLoop::Allow } else { RecursiveLoop::Terminate };
    Ok(GetFunctionRecursionConfigResponse { recursive_loop: Some(recursive_loop) })
}
