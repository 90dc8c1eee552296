//! How log groups are named, found and changed.

use std::collections::BTreeMap;

use ids::Arn;
use store::{CommitError, KeyPart, Row, Snapshot, Transaction};
use wire::{Context, Error};

use crate::errors::{
    aborted, commit_failed, group_missing, invalid, read_failed, store_failed, stream_missing,
};
use crate::service::Inner;
use crate::tables::{GROUPS, Group, STREAMS, Stream};

/// How often a change is tried again that others were faster than.
pub(crate) const TRIES_MAX: usize = 16;

/// "You can associate as many as 50 tags with a CloudWatch Logs resource" (API reference, `TagResource`).
pub(crate) const TAGS_MAX: usize = 50;

/// A group's key.
pub(crate) fn key_parts<'a>(context: &'a Context, name: &'a str) -> [KeyPart<'a>; 3] {
    [context.account.as_str().into(), context.region.as_str().into(), name.into()]
}

/// `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`.
pub(crate) fn arn(context: &Context, name: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{name}", context.region, context.account)
}

/// The name out of the two members of which a request must have one.
pub(crate) fn name_of(
    context: &Context,
    name: Option<String>,
    identifier: Option<String>,
) -> Result<String, Error> {
    match (name, identifier) {
        (Some(_), Some(_)) => {
            Err(invalid("LogGroup name and LogGroup identifier are mutually exclusive parameters."))
        }
        (None, None) => Err(invalid("Either LogGroup name or LogGroup identifier must be specified.")),
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) if identifier.starts_with("arn:") => name_in_arn(context, &identifier),
        (None, Some(identifier)) => Ok(identifier),
    }
}

/// The name in an ARN of this account and region, which may end in `:*`. Others' groups do not exist here.
pub(crate) fn name_in_arn(context: &Context, arn: &str) -> Result<String, Error> {
    let arn = Arn::parse(arn).map_err(|_| invalid(format!("Invalid ARN: {arn}")))?;
    if arn.service != "logs"
        || arn.region != context.region.as_str()
        || arn.account != context.account.as_str()
    {
        return Err(group_missing());
    }
    let name = arn.resource.strip_prefix("log-group:").ok_or_else(group_missing)?;
    Ok(name.strip_suffix(":*").unwrap_or(name).to_owned())
}

/// The group with this name.
pub(crate) async fn find(
    context: &Context,
    snapshot: &dyn Snapshot,
    name: &str,
) -> Result<Row<Group>, Error> {
    let row = GROUPS.get(snapshot, &key_parts(context, name)).await.map_err(|error| store_failed(&error))?;
    row.ok_or_else(group_missing)
}

/// The stream with this name.
pub(crate) async fn find_stream(
    snapshot: &dyn Snapshot,
    group: u64,
    name: &str,
) -> Result<Row<Stream>, Error> {
    let row =
        STREAMS.get(snapshot, &[group.into(), name.into()]).await.map_err(|error| store_failed(&error))?;
    row.ok_or_else(stream_missing)
}

/// A consistent view of now.
pub(crate) async fn snapshot(inner: &Inner) -> Result<Box<dyn Snapshot>, Error> {
    inner.store.snapshot().await.map_err(read_failed)
}

/// Changes the group with this name, and with it whatever `change` adds to the transaction. `change` may be called
/// several times: whenever somebody else changed the group first.
pub(crate) async fn change(
    inner: &Inner,
    context: &Context,
    name: &str,
    change: impl Fn(&mut Group, &mut Transaction) -> Result<(), Error>,
) -> Result<(), Error> {
    for _ in 0..TRIES_MAX {
        let row = find(context, &*snapshot(inner).await?, name).await?;
        let mut group = row.record.clone();
        let mut transaction = Transaction::new();
        change(&mut group, &mut transaction)?;
        GROUPS.update(&mut transaction, &row, &group).map_err(|error| store_failed(&error))?;
        match inner.store.commit(transaction).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(commit_failed(error)),
        }
    }
    Err(aborted())
}

/// Refuses the keys that AWS keeps for itself.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    match tags.keys().find(|key| key.starts_with("aws:")) {
        Some(key) => Err(invalid(format!("Tag keys starting with 'aws:' are reserved: {key}"))),
        None => Ok(()),
    }
}
