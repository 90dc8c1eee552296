//! `PutFunctionEventInvokeConfig`.

use api_lambda::{FunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::events::config::{Asked, configure};
use crate::function::FunctionReference;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PutFunctionEventInvokeConfigRequest,
) -> Outcome<FunctionEventInvokeConfig> {
    let operation = "PutFunctionEventInvokeConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let asked = Asked {
        maximum_retry_attempts: input.maximum_retry_attempts,
        maximum_event_age_s: input.maximum_event_age_in_seconds,
        destinations: input.destination_config,
    };
    configure(lambda, &reference, asked, false).await
}
