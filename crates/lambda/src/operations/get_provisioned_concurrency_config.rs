//! `GetProvisionedConcurrencyConfig`.

use api_lambda::{GetProvisionedConcurrencyConfigRequest, GetProvisionedConcurrencyConfigResponse};
use wire::Context;

use crate::Lambda;
use crate::concurrency::{NEITHER_ALIAS_NOR_VERSION, Progress, Provisionable};
use crate::errors::{Outcome, no_provisioned_concurrency};
use crate::tables::concurrency::PROVISIONED;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetProvisionedConcurrencyConfigRequest,
) -> Outcome<GetProvisionedConcurrencyConfigResponse> {
    let operation = "GetProvisionedConcurrencyConfig";
    let named = (input.function_name.as_str(), input.qualifier.as_str());
    let snapshot = lambda.snapshot().await?;
    let target =
        Provisionable::find(&*snapshot, context, operation, named, NEITHER_ALIAS_NOR_VERSION).await?;
    let row = PROVISIONED.get(&*snapshot, &target.key.parts_and(input.qualifier.as_str())).await?;
    let record = row.ok_or_else(no_provisioned_concurrency)?.record;
    let progress = Progress::of(lambda, &target.version_arn(), record.executions);
    Ok(GetProvisionedConcurrencyConfigResponse {
        requested_provisioned_concurrent_executions: i32::try_from(record.executions).ok(),
        available_provisioned_concurrent_executions: Some(progress.available),
        allocated_provisioned_concurrent_executions: Some(progress.allocated),
        status: Some(progress.status),
        status_reason: progress.reason,
        last_modified: Some(record.last_modified.lambda()),
    })
}
