//! `PutFunctionConcurrency`.

use api_lambda::{Concurrency, PutFunctionConcurrencyRequest};
use wire::Context;

use crate::Lambda;
use crate::concurrency::{reserve, whole_function};
use crate::errors::Outcome;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PutFunctionConcurrencyRequest,
) -> Outcome<Concurrency> {
    let key = whole_function(context, "PutFunctionConcurrency", &input.function_name)?;
    let reserved = input.reserved_concurrent_executions;
    // The model admits no negative number.
    reserve(lambda, &key, Some(reserved.unsigned_abs())).await?;
    Ok(Concurrency { reserved_concurrent_executions: Some(reserved) })
}
