//! `ListFunctionUrlConfigs`.

use api_lambda::{ListFunctionUrlConfigsRequest, ListFunctionUrlConfigsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::function::FunctionReference;
use crate::tables::function::FUNCTIONS;

/// No function has one: none can be made yet.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListFunctionUrlConfigsRequest,
) -> Outcome<ListFunctionUrlConfigsResponse> {
    let operation = "ListFunctionUrlConfigs";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    let function = FUNCTIONS.get_now(&*lambda.store, &key.parts()).await?;
    function.ok_or_else(|| not_found("Function does not exist"))?;
    Ok(ListFunctionUrlConfigsResponse { function_url_configs: Vec::new(), next_marker: None })
}
