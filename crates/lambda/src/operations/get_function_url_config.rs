//! `GetFunctionUrlConfig`.

use api_lambda::{GetFunctionUrlConfigRequest, GetFunctionUrlConfigResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;

/// No function has one: none can be made yet. AWS says the same of a function that does not exist.
pub(crate) async fn run(
    _lambda: &Lambda,
    context: &Context,
    input: GetFunctionUrlConfigRequest,
) -> Outcome<GetFunctionUrlConfigResponse> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    FunctionReference::parse(context, "GetFunctionUrlConfig", name, qualifier)?;
    Err(not_found("The resource you requested does not exist."))
}
