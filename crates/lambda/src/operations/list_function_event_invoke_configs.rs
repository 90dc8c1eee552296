//! `ListFunctionEventInvokeConfigs`.

use api_lambda::{ListFunctionEventInvokeConfigsRequest, ListFunctionEventInvokeConfigsResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::events::config::{function_missing, shown};
use crate::function::{FunctionReference, page_size};
use crate::tables::event_config::EVENT_CONFIGS;
use crate::tables::function::{FUNCTIONS, FunctionKey};

/// The marker is the qualifier of the last one of the page before.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListFunctionEventInvokeConfigsRequest,
) -> Outcome<ListFunctionEventInvokeConfigsResponse> {
    let operation = "ListFunctionEventInvokeConfigs";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    let snapshot = lambda.snapshot().await?;
    FUNCTIONS.get(&*snapshot, &key.parts()).await?.ok_or_else(function_missing)?;
    let size = page_size(input.max_items);
    let marker = input.marker.filter(|marker| !marker.is_empty());
    let after = marker.map(|marker| EVENT_CONFIGS.key(&key.parts_and(marker.as_str())));
    let mut rows = EVENT_CONFIGS.list(&*snapshot, &key.parts(), after.as_deref(), size + 1).await?;
    let is_more = rows.len() > size;
    rows.truncate(size);
    let mut configs = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows {
        let mut reader = EVENT_CONFIGS.read_key(&row.key)?;
        let _function = FunctionKey::read(&mut reader)?;
        let qualifier = reader.str()?;
        configs.push(shown(&key, &qualifier, &row.record));
        last = Some(qualifier);
    }
    Ok(ListFunctionEventInvokeConfigsResponse {
        function_event_invoke_configs: Some(configs),
        next_marker: last.filter(|_| is_more),
    })
}
