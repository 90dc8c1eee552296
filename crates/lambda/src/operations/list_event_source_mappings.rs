//! `ListEventSourceMappings`.

use api_lambda::{ListEventSourceMappingsRequest, ListEventSourceMappingsResponse};
use event_source::Page;
use ids::Arn;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::event_source_mapping::{Shown, failure, shown};
use crate::function::{FunctionReference, Marker, find_function, page_size_of_at_most};

/// AWS Lambda API reference: "returns a maximum of 100 items in each response, even if you set the number higher".
const PAGE_MAX: usize = 100;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListEventSourceMappingsRequest,
) -> Outcome<ListEventSourceMappingsResponse> {
    let size = page_size_of_at_most(input.max_items, PAGE_MAX);
    let reference = input
        .function_name
        .as_deref()
        .map(|name| FunctionReference::parse(context, "ListEventSourceMappings", name, None))
        .transpose()?;
    let source = input.event_source_arn.as_deref().map(Arn::parse).transpose();
    let page = Page {
        source: source.map_err(|error| invalid_parameter(error.to_string()))?,
        function: reference.as_ref().map(FunctionReference::arn),
        after: Marker::decode(input.marker.as_deref())?.map(|marker| marker.name),
        limit: size + 1,
    };
    let found = lambda.event_sources.list(&context.account, &context.region, &page).await;
    let mut mappings = found.map_err(|error| failure(error, "list"))?;
    if let Some(reference) = reference.filter(|_| mappings.is_empty()) {
        // Mappings outlive their function, so that one that is gone may have some.
        find_function(&*lambda.snapshot().await?, &reference.key).await?;
    }
    let is_more = mappings.len() > size;
    mappings.truncate(size);
    let next_marker = mappings
        .last()
        .filter(|_| is_more)
        .map(|mapping| Marker { name: mapping.uuid.clone(), number: 0 }.encode());
    let shown = mappings.iter().map(|mapping| shown(mapping, Shown::InList)).collect();
    Ok(ListEventSourceMappingsResponse { next_marker, event_source_mappings: Some(shown) })
}
