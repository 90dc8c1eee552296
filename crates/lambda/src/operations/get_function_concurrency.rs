//! `GetFunctionConcurrency`.

use api_lambda::{GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse};
use wire::Context;

use crate::Lambda;
use crate::concurrency::whole_function;
use crate::errors::Outcome;
use crate::function::find_function;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionConcurrencyRequest,
) -> Outcome<GetFunctionConcurrencyResponse> {
    let key = whole_function(context, "GetFunctionConcurrency", &input.function_name)?;
    let function = find_function(&*lambda.snapshot().await?, &key).await?.record;
    Ok(GetFunctionConcurrencyResponse {
        reserved_concurrent_executions: function
            .reserved_concurrency
            .and_then(|reserved| i32::try_from(reserved).ok()),
    })
}
