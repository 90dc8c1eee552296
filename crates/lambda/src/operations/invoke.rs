//! `Invoke`: synchronous invocations. No store stands on this way once the function's route is known.

use api_lambda::{InvocationRequest, InvocationResponse, InvocationType};
use wire::{Context, Error};

use crate::Lambda;
use crate::errors::{Failure, Outcome, unsupported};
use crate::function::FunctionReference;
use crate::invocation::{Call, executed_version, log_result, not_run};
use crate::routes::find_route;

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
    if kind == InvocationType::Event {
        return Err(Failure::Answer(Error::not_implemented("lambda", "Invoke with InvocationType Event")));
    }
    if input.durable_execution_name.is_some() {
        return Err(unsupported("DurableExecutionName"));
    }
    let call = Call {
        payload: input.payload,
        client_context: input.client_context,
        log_type: input.log_type,
        tenant_id: input.tenant_id,
    };
    call.check_size()?;
    let route = find_route(lambda, &reference).await?;
    if kind == InvocationType::DryRun {
        return Ok(InvocationResponse { status_code: Some(204), ..InvocationResponse::default() });
    }
    call.check_content()?;
    let target = route.choose(|| lambda.ids.unit());
    let invocation = call.into_invocation(lambda, context, &reference, &route, target)?;
    let trace_id = invocation.trace_id.as_deref().map(str::to_ascii_lowercase);
    let outcome = lambda.invoker.invoke(invocation).await.map_err(|error| not_run(lambda, error))?;
    Ok(InvocationResponse {
        status_code: Some(200),
        function_error: outcome.error.map(|_| UNHANDLED.to_owned()),
        log_result: log_result(outcome.log_tail.as_ref()),
        payload: Some(outcome.payload),
        executed_version: executed_version(target),
        content_type: Some(JSON.to_owned()),
        // Observed on AWS: in lower case here.
        trace_id,
        durable_execution_arn: None,
    })
}
