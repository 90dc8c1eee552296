//! `ListProvisionedConcurrencyConfigs`.

use api_lambda::{
    ListProvisionedConcurrencyConfigsRequest, ListProvisionedConcurrencyConfigsResponse,
    ProvisionedConcurrencyConfigListItem,
};
use ids::Qualifier;
use store::Snapshot;
use wire::Context;

use crate::Lambda;
use crate::concurrency::{Progress, provisioning};
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function};
use crate::tables::concurrency::{self, Provisioned};

/// AWS Lambda API reference: at most 50 at once.
const ITEMS_MAX: i32 = 50;

/// The marker is the qualifier of the last one of the page before.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListProvisionedConcurrencyConfigsRequest,
) -> Outcome<ListProvisionedConcurrencyConfigsResponse> {
    let operation = "ListProvisionedConcurrencyConfigs";
    let key = FunctionReference::parse_unqualified(context, operation, &input.function_name)?;
    let snapshot = lambda.snapshot().await?;
    find_function(&*snapshot, &key).await?;
    let mut all = concurrency::list(&*snapshot, &key.parts()).await?;
    if let Some(marker) = input.marker.filter(|marker| !marker.is_empty()) {
        all.retain(|provisioned| provisioned.qualifier > marker);
    }
    let items_max = usize::try_from(input.max_items.unwrap_or(ITEMS_MAX)).unwrap_or(0);
    let is_more = all.len() > items_max;
    all.truncate(items_max);
    let next_marker = all.last().filter(|_| is_more).map(|last| last.qualifier.clone());
    let mut items = Vec::with_capacity(all.len());
    for provisioned in all {
        items.push(item(lambda, &*snapshot, &provisioned).await?);
    }
    Ok(ListProvisionedConcurrencyConfigsResponse {
        provisioned_concurrency_configs: Some(items),
        next_marker,
    })
}

async fn item(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    provisioned: &Provisioned,
) -> Outcome<ProvisionedConcurrencyConfigListItem> {
    let Provisioned { key, qualifier, row } = provisioned;
    let version = provisioning::version_of(snapshot, key, qualifier).await?;
    let version = key.arn().qualified(version.map_or(Qualifier::Latest, Qualifier::Version));
    let progress = Progress::of(lambda, &version, row.record.executions);
    Ok(ProvisionedConcurrencyConfigListItem {
        function_arn: Some(key.arn().qualified(Qualifier::parse(qualifier)).to_string()),
        requested_provisioned_concurrent_executions: i32::try_from(row.record.executions).ok(),
        available_provisioned_concurrent_executions: Some(progress.available),
        allocated_provisioned_concurrent_executions: Some(progress.allocated),
        status: Some(progress.status),
        status_reason: progress.reason,
        last_modified: Some(row.record.last_modified.lambda()),
    })
}
