//! `ListLayerVersions`.

use api_lambda::{ListLayerVersionsRequest, ListLayerVersionsResponse};
use store::prefix_end;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::layers::{self, LayerFilter};
use crate::tables::layer::{LAYER_VERSIONS, number_in_key};

/// AWS Lambda API reference, `ListLayerVersions`: at most 50 at once.
const ITEMS_MAX: i32 = 50;
/// How many rows are read at once.
const PAGE: usize = 50;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListLayerVersionsRequest,
) -> Outcome<ListLayerVersionsResponse> {
    let layer = layers::own(context, "ListLayerVersions", &input.layer_name)?;
    let filter = LayerFilter::new(input.compatible_runtime.as_ref(), input.compatible_architecture.as_ref());
    let items_max = usize::try_from(input.max_items.unwrap_or(ITEMS_MAX)).unwrap_or(0);
    let prefix = LAYER_VERSIONS.key(&layer.key());
    // The newest comes first; the marker is the number of the last version of the page before.
    let mut end = match input.marker.as_deref().filter(|marker| !marker.is_empty()) {
        None => prefix_end(&prefix),
        Some(marker) => {
            let number: u64 = marker
                .parse()
                .map_err(|_| invalid_parameter(format!("Invalid pagination token: {marker}")))?;
            LAYER_VERSIONS.key(&layer.version(number).key())
        }
    };
    let snapshot = lambda.snapshot().await?;
    let mut items = Vec::new();
    loop {
        let rows = LAYER_VERSIONS.scan(&*snapshot, &prefix, &end, PAGE, true).await?;
        let Some(last) = rows.last() else {
            return Ok(ListLayerVersionsResponse { next_marker: None, layer_versions: Some(items) });
        };
        end = last.key.clone();
        for row in rows.into_iter().filter(|row| filter.accepts(&row.record)) {
            if items.len() == items_max {
                let next_marker = items.last().and_then(marker);
                return Ok(ListLayerVersionsResponse { next_marker, layer_versions: Some(items) });
            }
            let name = layer.version(number_in_key(&row.key)?);
            items.push(layers::list_item(&name, &row.record));
        }
    }
}

fn marker(item: &api_lambda::LayerVersionsListItem) -> Option<String> {
    item.version.map(|version| version.to_string())
}
