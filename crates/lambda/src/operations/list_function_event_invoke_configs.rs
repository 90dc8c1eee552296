//! `ListFunctionEventInvokeConfigs`.

use api_lambda::{ListFunctionEventInvokeConfigsRequest, ListFunctionEventInvokeConfigsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;
use crate::tables::function::FUNCTIONS;

/// No function has one: none can be made yet.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListFunctionEventInvokeConfigsRequest,
) -> Outcome<ListFunctionEventInvokeConfigsResponse> {
    let operation = "ListFunctionEventInvokeConfigs";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    let function = FUNCTIONS.get_now(&*lambda.store, &key.parts()).await?;
    function.ok_or_else(|| not_found("The function doesn't exist."))?;
    Ok(ListFunctionEventInvokeConfigsResponse {
        function_event_invoke_configs: Some(Vec::new()),
        next_marker: None,
    })
}
