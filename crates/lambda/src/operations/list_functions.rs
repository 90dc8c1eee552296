//! `ListFunctions`.

use api_lambda::{FunctionVersion, ListFunctionsRequest, ListFunctionsResponse};
use store::Snapshot;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::function::{Marker, Shown, list_item, page_size};
use crate::tables::function::{FunctionKey, VersionRecord, list_functions_after, list_versions_after};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: ListFunctionsRequest,
) -> Outcome<ListFunctionsResponse> {
    let all_versions = input.function_version == Some(FunctionVersion::All);
    if input.master_region.is_some() {
        if !all_versions {
            return Err(invalid_parameter("FunctionVersion must be set to ALL when MasterRegion is given."));
        }
        // Nothing is replicated from another region to this one.
        return Ok(ListFunctionsResponse { functions: Some(Vec::new()), next_marker: None });
    }
    let page = page_size(input.max_items);
    let marker = Marker::decode(input.marker.as_deref())?;
    let snapshot = lambda.snapshot().await?;
    let mut found = find(&*snapshot, context, marker, all_versions, page + 1).await?;
    let is_more = found.len() > page;
    found.truncate(page);
    let next_marker = found.last().filter(|_| is_more).map(|(key, version)| {
        Marker { name: key.name.clone(), number: version.number.unwrap_or(0) }.encode()
    });
    let how = if all_versions { Shown::Version } else { Shown::Unqualified };
    let functions = found.iter().map(|(key, version)| list_item(key, version, how)).collect();
    Ok(ListFunctionsResponse { functions: Some(functions), next_marker })
}

async fn find(
    snapshot: &dyn Snapshot,
    context: &Context,
    marker: Option<Marker>,
    all_versions: bool,
    limit: usize,
) -> Outcome<Vec<(FunctionKey, VersionRecord)>> {
    let (account, region) = (&context.account, &context.region);
    let mut found = Vec::new();
    if all_versions && let Some(Marker { name, number }) = &marker {
        let key = FunctionKey { account: account.clone(), region: region.clone(), name: name.clone() };
        for version in list_versions_after(snapshot, &key, *number, limit).await? {
            found.push((key.clone(), version));
        }
    }
    let name = marker.as_ref().map(|marker| marker.name.as_str());
    for (key, function) in list_functions_after(snapshot, account, region, name, limit).await? {
        if found.len() >= limit {
            break;
        }
        found.push((key.clone(), function.latest));
        if all_versions && function.last_version > 0 {
            for version in list_versions_after(snapshot, &key, 0, limit).await? {
                found.push((key.clone(), version));
            }
        }
    }
    Ok(found)
}
