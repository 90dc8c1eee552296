//! `DeleteFunctionConcurrency`.

use api_lambda::DeleteFunctionConcurrencyRequest;
use wire::Context;

use crate::Lambda;
use crate::concurrency::{reserve, whole_function};
use crate::errors::Outcome;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: DeleteFunctionConcurrencyRequest,
) -> Outcome<()> {
    let key = whole_function(context, "DeleteFunctionConcurrency", &input.function_name)?;
    reserve(lambda, &key, None).await
}
