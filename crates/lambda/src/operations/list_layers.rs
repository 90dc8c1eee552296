//! `ListLayers`.

use api_lambda::{LayersListItem, ListLayersRequest, ListLayersResponse};
use store::{Row, Snapshot, prefix_end};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::layers::{self, LayerFilter, LayerName};
use crate::tables::layer::{LAYER_VERSIONS, LAYERS, Layer, name_in_key, number_in_key};

/// AWS Lambda API reference, `ListLayers`: at most 50 at once.
const ITEMS_MAX: i32 = 50;
/// How many rows are read at once.
const PAGE: usize = 50;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListLayersRequest,
) -> Outcome<ListLayersResponse> {
    let filter = LayerFilter::new(input.compatible_runtime.as_ref(), input.compatible_architecture.as_ref());
    let items_max = usize::try_from(input.max_items.unwrap_or(ITEMS_MAX)).unwrap_or(0);
    let own = [context.account.as_str().into(), context.region.as_str().into()];
    // The marker is the name of the last layer of the page before.
    let marker = input.marker.filter(|marker| !marker.is_empty());
    let mut after = marker.map(|name| LAYERS.key(&LayerName::of_caller(context, &name).key()));
    let snapshot = lambda.snapshot().await?;
    let mut items: Vec<LayersListItem> = Vec::new();
    loop {
        let rows = LAYERS.list(&*snapshot, &own, after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(ListLayersResponse { next_marker: None, layers: Some(items) });
        };
        after = Some(last.key.clone());
        for row in rows {
            let Some(item) = latest_matching(&*snapshot, context, &row, &filter).await? else { continue };
            if items.len() == items_max {
                let next_marker = items.last().and_then(|item| item.layer_name.clone());
                return Ok(ListLayersResponse { next_marker, layers: Some(items) });
            }
            items.push(item);
        }
    }
}

/// The layer with its newest version that the filter accepts, if it has one.
async fn latest_matching(
    snapshot: &dyn Snapshot,
    context: &Context,
    row: &Row<Layer>,
    filter: &LayerFilter,
) -> Outcome<Option<LayersListItem>> {
    let layer = LayerName::of_caller(context, &name_in_key(&row.key)?);
    let prefix = LAYER_VERSIONS.key(&layer.key());
    let mut end = prefix_end(&prefix);
    loop {
        let versions = LAYER_VERSIONS.scan(snapshot, &prefix, &end, PAGE, true).await?;
        let Some(last) = versions.last() else { return Ok(None) };
        end = last.key.clone();
        if let Some(version) = versions.into_iter().find(|version| filter.accepts(&version.record)) {
            let name = layer.version(number_in_key(&version.key)?);
            return Ok(Some(LayersListItem {
                layer_name: Some(layer.name.clone()),
                layer_arn: Some(layer.to_string()),
                latest_matching_version: Some(layers::list_item(&name, &version.record)),
            }));
        }
    }
}
