//! `ListVersionsByFunction`.

use api_lambda::{ListVersionsByFunctionRequest, ListVersionsByFunctionResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, Marker, Shown, find_function, list_item, page_size};
use crate::tables::function::list_versions_after;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListVersionsByFunctionRequest,
) -> Outcome<ListVersionsByFunctionResponse> {
    let key = FunctionReference::parse_unqualified(context, "ListVersionsByFunction", &input.function_name)?;
    let marker = Marker::decode(input.marker.as_deref())?;
    let page = page_size(input.max_items);
    let snapshot = lambda.snapshot().await?;
    let function = find_function(&*snapshot, &key).await?.record;
    let mut versions = Vec::new();
    let after = match marker {
        Some(marker) => marker.number,
        None => {
            versions.push(function.latest);
            0
        }
    };
    versions.extend(list_versions_after(&*snapshot, &key, after, page + 1).await?);
    let is_more = versions.len() > page;
    versions.truncate(page);
    let next_marker = versions
        .last()
        .filter(|_| is_more)
        .map(|version| Marker { name: key.name.clone(), number: version.number.unwrap_or(0) }.encode());
    let versions = versions.iter().map(|version| list_item(&key, version, Shown::Version)).collect();
    Ok(ListVersionsByFunctionResponse { versions: Some(versions), next_marker })
}
