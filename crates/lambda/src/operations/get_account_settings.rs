//! `GetAccountSettings`.

use api_lambda::{AccountLimit, AccountUsage, GetAccountSettingsRequest, GetAccountSettingsResponse};
use packages::{UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX};
use store::{KeyPart, Record, Snapshot, Table};
use wire::Context;

use crate::Lambda;
use crate::concurrency::SetAside;
use crate::errors::Outcome;
use crate::tables::function::{FUNCTIONS, VERSIONS};
use crate::tables::layer::LAYER_VERSIONS;

/// "Lambda quotas": 300 GB of code in a region. Lambent does not enforce it: the disk is the limit.
const TOTAL_CODE_BYTES: i64 = 300 << 30;
/// How many rows are read at once.
const PAGE: usize = 100;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    _input: GetAccountSettingsRequest,
) -> Outcome<GetAccountSettingsResponse> {
    let snapshot = lambda.snapshot().await?;
    let set_aside = SetAside::read(&*snapshot, &context.account, &context.region).await?.total();
    let concurrency = lambda.invoker.account_concurrency(&context.account, &context.region);
    let (functions, of_functions) =
        measure(&*snapshot, context, &FUNCTIONS, |function| function.latest.code.size_bytes).await?;
    let (_, of_versions) = measure(&*snapshot, context, &VERSIONS, |version| version.code.size_bytes).await?;
    let (_, of_layers) =
        measure(&*snapshot, context, &LAYER_VERSIONS, |layer| layer.package.size_bytes).await?;
    Ok(GetAccountSettingsResponse {
        account_limit: Some(AccountLimit {
            total_code_size: Some(TOTAL_CODE_BYTES),
            code_size_unzipped: i64::try_from(UNZIPPED_BYTES_MAX).ok(),
            code_size_zipped: i64::try_from(ZIPPED_BYTES_MAX).ok(),
            concurrent_executions: i32::try_from(concurrency).ok(),
            unreserved_concurrent_executions: i32::try_from(concurrency.saturating_sub(set_aside)).ok(),
        }),
        account_usage: Some(AccountUsage {
            total_code_size: i64::try_from(of_functions + of_versions + of_layers).ok(),
            function_count: i64::try_from(functions).ok(),
        }),
    })
}

/// How many rows of the account and region there are, and how many bytes they have.
async fn measure<R: Record>(
    snapshot: &dyn Snapshot,
    context: &Context,
    table: &Table<R>,
    size_bytes: impl Fn(&R) -> u64,
) -> Outcome<(usize, u64)> {
    let parts: [KeyPart<'_>; 2] = [context.account.as_str().into(), context.region.as_str().into()];
    let (mut count, mut bytes, mut after) = (0, 0, None);
    loop {
        let rows = table.list(snapshot, &parts, after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { return Ok((count, bytes)) };
        after = Some(last.key.clone());
        count += rows.len();
        bytes += rows.iter().map(|row| size_bytes(&row.record)).sum::<u64>();
    }
}
