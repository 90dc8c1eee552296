//! `InvokeAsync`: what `Invoke` with `InvocationType` `Event` was before there was that.

use api_lambda::{InvokeAsyncRequest, InvokeAsyncResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::events::accept;
use crate::function::FunctionReference;
use crate::invocation::{Kind, check_json, check_size};
use crate::routes::find_route;

/// What AWS answers.
const ACCEPTED: i32 = 202;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: InvokeAsyncRequest,
) -> Outcome<InvokeAsyncResponse> {
    let reference = FunctionReference::parse(context, "InvokeAsync", &input.function_name, None)?;
    check_size(&input.invoke_args, Kind::Event)?;
    let route = find_route(lambda, &reference).await?;
    check_json(&input.invoke_args)?;
    accept(lambda, context, &reference, &route, input.invoke_args).await?;
    Ok(InvokeAsyncResponse { status: Some(ACCEPTED) })
}
