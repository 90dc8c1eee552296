//! `GetFunction`.

use api_lambda::{Concurrency, FunctionCodeLocation, GetFunctionRequest, GetFunctionResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, Shown, find_version, function_not_found, shown};
use crate::tables::function::FUNCTIONS;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetFunctionRequest,
) -> Outcome<GetFunctionResponse> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, "GetFunction", name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    let function = FUNCTIONS
        .get(&*snapshot, &reference.key.parts())
        .await?
        .ok_or_else(|| function_not_found(&reference))?
        .record;
    let version = find_version(&*snapshot, &reference, &function).await?;
    let location = lambda.code_links.link(&context.endpoint, &version.code.key, lambda.clock.now());
    Ok(GetFunctionResponse {
        configuration: Some(shown(&reference.key, &version, Shown::asked(reference.qualifier.as_ref()))),
        code: Some(FunctionCodeLocation {
            repository_type: Some("S3".to_owned()),
            location: Some(location),
            ..FunctionCodeLocation::default()
        }),
        tags: (!function.tags.is_empty()).then_some(function.tags),
        tags_error: None,
        concurrency: function
            .reserved_concurrency
            .map(|reserved| Concurrency { reserved_concurrent_executions: i32::try_from(reserved).ok() }),
    })
}
