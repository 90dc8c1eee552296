//! `ListEventSourceMappings`.

use api_lambda::{ListEventSourceMappingsRequest, ListEventSourceMappingsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function};

/// There are none: none can be made yet.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListEventSourceMappingsRequest,
) -> Outcome<ListEventSourceMappingsResponse> {
    if let Some(name) = &input.function_name {
        let reference = FunctionReference::parse(context, "ListEventSourceMappings", name, None)?;
        find_function(&*lambda.snapshot().await?, &reference.key).await?;
    }
    Ok(ListEventSourceMappingsResponse { next_marker: None, event_source_mappings: Some(Vec::new()) })
}
