//! `GetFunctionEventInvokeConfig`.

use api_lambda::{FunctionEventInvokeConfig, GetFunctionEventInvokeConfigRequest};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::events::config::{find, none_stored, shown};
use crate::function::FunctionReference;
use crate::tables::event_config::qualifier_text;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionEventInvokeConfigRequest,
) -> Outcome<FunctionEventInvokeConfig> {
    let operation = "GetFunctionEventInvokeConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let row = find(&*lambda.snapshot().await?, &reference).await?.ok_or_else(|| none_stored(&reference))?;
    Ok(shown(&reference.key, &qualifier_text(reference.qualifier.as_ref()), &row.record))
}
