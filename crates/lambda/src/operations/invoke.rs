//! `Invoke`. No store stands on the way of a synchronous invocation once the function's route is known; that of an
//! asynchronous one ends where the event is on disk.

use api_lambda::{InvocationRequest, InvocationResponse, InvocationType};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, unsupported};
use crate::events::accept;
use crate::function::FunctionReference;
use crate::invocation::{self, Call, Kind, check_size, log_result, not_run};
use crate::routes::{Route, find_route};
use crate::story::Story;

/// AWS's word for every error of today's runtimes.
const UNHANDLED: &str = "Unhandled";

const JSON: &str = "application/json";

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: InvocationRequest,
) -> Outcome<InvocationResponse> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, "Invoke", name, qualifier)?;
    let kind = input.invocation_type.unwrap_or(InvocationType::RequestResponse);
    if input.durable_execution_name.is_some() {
        return Err(unsupported("DurableExecutionName"));
    }
    let call = Call {
        payload: input.payload,
        client_context: input.client_context,
        log_type: input.log_type,
        tenant_id: input.tenant_id,
    };
    let is_event = kind == InvocationType::Event;
    check_size(call.payload(), if is_event { Kind::Event } else { Kind::RequestResponse })?;
    let route = find_route(lambda, &reference).await?;
    if kind == InvocationType::DryRun {
        return Ok(InvocationResponse { status_code: Some(204), ..InvocationResponse::default() });
    }
    call.check_content()?;
    if is_event {
        return run_later(lambda, context, &reference, &route, call).await;
    }
    let branch = route.choose(|| lambda.ids.unit());
    let story = Story::begin(lambda, context, &reference, call.payload().len());
    let invocation = call.into_invocation(lambda, context, &reference, &route, branch)?;
    let trace_id = invocation.trace_id.as_deref().map(str::to_ascii_lowercase);
    let result = invocation::run(lambda, invocation).await;
    if let Some(story) = story {
        story.end(lambda, branch, &result);
    }
    let outcome = result.map_err(|error| not_run(lambda, error))?;
    Ok(InvocationResponse {
        status_code: Some(200),
        function_error: outcome.error.map(|_| UNHANDLED.to_owned()),
        log_result: log_result(outcome.log_tail.as_ref()),
        payload: Some(outcome.payload),
        executed_version: Some(branch.executed_version()),
        content_type: Some(JSON.to_owned()),
        // Observed on AWS: in lower case here.
        trace_id,
        durable_execution_arn: None,
    })
}

/// Nobody waits for what becomes of the event. The client context is not handed on: "only for synchronous invocation".
async fn run_later(
    lambda: &Lambda,
    context: &Context,
    reference: &FunctionReference,
    route: &Route,
    call: Call,
) -> Outcome<InvocationResponse> {
    let trace_id = accept(lambda, context, reference, route, call.payload.unwrap_or_default()).await?;
    Ok(InvocationResponse {
        status_code: Some(202),
        trace_id: Some(trace_id.to_ascii_lowercase()),
        ..InvocationResponse::default()
    })
}
