//! `GetFunctionConfiguration`.

use api_lambda::{FunctionConfiguration, GetFunctionConfigurationRequest};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, Shown, find_version, function_not_found, shown};
use crate::tables::function::FUNCTIONS;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionConfigurationRequest,
) -> Outcome<FunctionConfiguration> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, "GetFunctionConfiguration", name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    let function = FUNCTIONS
        .get(&*snapshot, &reference.key.parts())
        .await?
        .ok_or_else(|| function_not_found(&reference))?;
    let version = find_version(&*snapshot, &reference, &function.record).await?;
    Ok(shown(&reference.key, &version, Shown::asked(reference.qualifier.as_ref())))
}
