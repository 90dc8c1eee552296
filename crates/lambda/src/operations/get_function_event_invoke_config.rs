//! `GetFunctionEventInvokeConfig`.

use api_lambda::{FunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest};
use ids::Qualifier;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;

/// No function has one: none can be made yet. AWS says the same of a function that does not exist.
pub(crate) async fn run(
    _lambda: &Lambda,
    context: &Context,
    input: GetFunctionEventInvokeConfigRequest,
) -> Outcome<FunctionEventInvokeConfig> {
    let operation = "GetFunctionEventInvokeConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let arn = reference.key.arn().qualified(reference.qualifier.unwrap_or(Qualifier::Latest));
    Err(not_found(format!("The function {arn} doesn't have an EventInvokeConfig")))
}
