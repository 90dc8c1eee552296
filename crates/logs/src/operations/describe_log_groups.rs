//! `DescribeLogGroups`.

use api_logs::{DescribeLogGroupsRequest, DescribeLogGroupsResponse, LogGroup, LogGroupClass};
use store::{Row, Snapshot, prefix_end};
use wire::{Context, Error};

use super::{DESCRIBED_MAX, page_limit};
use crate::errors::{invalid, read_failed, store_failed};
use crate::group::{arn, key_parts, name_of, snapshot};
use crate::page_token;
use crate::service::Inner;
use crate::tables::{GROUPS, Group, stored_bytes};

/// How many groups are looked at at once when most of them may not be asked for.
const SCAN: usize = 256;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Error> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let nothing = DescribeLogGroupsResponse { log_groups: Some(Vec::new()), next_token: None };
    // No account is linked to another one here, so that asking for linked accounts adds none.
    if input.account_identifiers.as_ref().is_some_and(|accounts| {
        !accounts.is_empty() && !accounts.iter().any(|account| account == context.account.as_str())
    }) {
        return Ok(nothing);
    }
    // All groups here are of the standard class.
    if input.log_group_class.as_ref().is_some_and(|class| *class != LogGroupClass::Standard) {
        return Ok(nothing);
    }
    let snapshot = snapshot(inner).await?;
    if let Some(identifiers) = &input.log_group_identifiers {
        return describe_named(context, &*snapshot, &input, identifiers).await;
    }
    describe_all(context, &*snapshot, &input).await
}

async fn describe_named(
    context: &Context,
    snapshot: &dyn Snapshot,
    input: &DescribeLogGroupsRequest,
    identifiers: &[String],
) -> Result<DescribeLogGroupsResponse, Error> {
    if input.log_group_name_prefix.is_some() || input.log_group_name_pattern.is_some() {
        return Err(invalid(
            "LogGroup identifiers and LogGroup name prefix or pattern are mutually exclusive parameters.",
        ));
    }
    let mut groups = Vec::new();
    for identifier in identifiers {
        let name = name_of(context, None, Some(identifier.clone()))?;
        let row =
            GROUPS.get(snapshot, &key_parts(context, &name)).await.map_err(|error| store_failed(&error))?;
        if let Some(row) = row {
            groups.push(describe(context, snapshot, &name, &row).await?);
        }
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token: None })
}

async fn describe_all(
    context: &Context,
    snapshot: &dyn Snapshot,
    input: &DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Error> {
    let limit = page_limit(input.limit, DESCRIBED_MAX);
    let prefix = input.log_group_name_prefix.as_deref().unwrap_or_default();
    let end = prefix_end(&GROUPS.key(&key_parts(context, "")[..2]));
    let mut from = GROUPS.key(&key_parts(context, prefix));
    if let Some(token) = &input.next_token {
        let last = GROUPS.key(&key_parts(context, &page_token::decode(token)?));
        from = from.max([&last[..], &[0]].concat().into());
    }
    let mut groups: Vec<LogGroup> = Vec::new();
    loop {
        let rows = GROUPS
            .scan(snapshot, &from, &end, SCAN.min(limit + 1), false)
            .await
            .map_err(|error| store_failed(&error))?;
        let Some(last) = rows.last() else { break };
        from = [&last.key[..], &[0]].concat().into();
        for row in &rows {
            let name = name_in_key(row)?;
            // Names that begin so stand together, and nothing else follows among them.
            if !name.starts_with(prefix) {
                return Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token: None });
            }
            if input.log_group_name_pattern.as_ref().is_some_and(|pattern| !name.contains(pattern.as_str())) {
                continue;
            }
            if groups.len() == limit {
                let last = groups.last().and_then(|group| group.log_group_name.as_deref());
                let next_token = last.map(page_token::encode);
                return Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token });
            }
            let mut group = describe(context, snapshot, &name, row).await?;
            if input.log_group_name_pattern.is_some() {
                // "Only arn, creationTime, and logGroupName are included in the response" (API reference).
                let LogGroup { log_group_name, creation_time, arn, .. } = group;
                group = LogGroup { log_group_name, creation_time, arn, ..LogGroup::default() };
            }
            groups.push(group);
        }
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(groups), next_token: None })
}

fn name_in_key(row: &Row<Group>) -> Result<String, Error> {
    let read = || {
        let mut reader = GROUPS.read_key(&row.key)?;
        let (_account, _region) = (reader.str()?, reader.str()?);
        reader.str()
    };
    read().map_err(read_failed)
}

async fn describe(
    context: &Context,
    snapshot: &dyn Snapshot,
    name: &str,
    row: &Row<Group>,
) -> Result<LogGroup, Error> {
    let stored_bytes = stored_bytes(snapshot, row.record.id).await.map_err(read_failed)?;
    let arn = arn(context, name);
    Ok(LogGroup {
        log_group_name: Some(name.to_owned()),
        creation_time: Some(row.record.created_ms),
        retention_in_days: row.record.retention_days,
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(stored_bytes),
        log_group_class: Some(LogGroupClass::Standard),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(false),
        ..LogGroup::default()
    })
}
