//! Tags of mappings.

use event_source::State;
use ids::Arn;
use store::Transaction;
use wire::Context;

use super::{failure, mapping_not_found};
use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::tables::mapping_tags::{MAPPING_TAGS, parts};
use crate::tags::{Tags, check_tags};

/// The UUID in the ARN of a mapping of the caller's; none when it is the ARN of something else.
///
/// # Errors
/// `ResourceNotFoundException` for another account's or region's.
pub(crate) fn tagged_mapping(context: &Context, resource: &str) -> Outcome<Option<String>> {
    let Ok(arn) = Arn::parse(resource) else { return Ok(None) };
    let Some(uuid) = arn.resource.strip_prefix("event-source-mapping:") else { return Ok(None) };
    if (arn.account.as_str(), arn.region.as_str()) != (context.account.as_str(), context.region.as_str()) {
        return Err(mapping_not_found());
    }
    Ok(Some(uuid.to_owned()))
}

/// A mapping's tags.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) async fn read_tags(lambda: &Lambda, context: &Context, uuid: &str) -> Outcome<Tags> {
    require(lambda, context, uuid).await?;
    let key = parts(&context.account, &context.region, uuid);
    Ok(MAPPING_TAGS.get_now(&*lambda.store, &key).await?.map(|row| row.record).unwrap_or_default())
}

/// Changes a mapping's tags.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceConflictException` when somebody else changes them at the same time, and those
/// of [`check_tags`].
pub(crate) async fn update_tags(
    lambda: &Lambda,
    context: &Context,
    uuid: &str,
    change: impl FnOnce(&mut Tags),
) -> Outcome<()> {
    require(lambda, context, uuid).await?;
    let key = parts(&context.account, &context.region, uuid);
    let row = MAPPING_TAGS.get_now(&*lambda.store, &key).await?;
    let mut tags = row.as_ref().map(|row| row.record.clone()).unwrap_or_default();
    change(&mut tags);
    check_tags(&tags)?;
    let mut transaction = Transaction::new();
    match row {
        Some(row) if tags.is_empty() => MAPPING_TAGS.delete_row(&mut transaction, &row),
        Some(row) => MAPPING_TAGS.update(&mut transaction, &row, &tags)?,
        None if tags.is_empty() => return Ok(()),
        None => MAPPING_TAGS.insert(&mut transaction, &key, &tags)?,
    }
    lambda.store.commit(transaction).await?;
    // It may have been deleted meanwhile, and its tags with it.
    let still_there = require(lambda, context, uuid).await;
    if matches!(still_there, Err(Failure::Answer(_))) {
        delete_tags(lambda, context, uuid).await?;
    }
    still_there
}

/// Writes the tags of a mapping that is about to be made.
///
/// # Errors
/// When the store fails.
pub(crate) async fn put_tags(lambda: &Lambda, context: &Context, uuid: &str, tags: &Tags) -> Outcome<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut transaction = Transaction::new();
    MAPPING_TAGS.put(&mut transaction, &parts(&context.account, &context.region, uuid), tags)?;
    lambda.store.commit(transaction).await?;
    Ok(())
}

/// Removes the tags of a mapping.
///
/// # Errors
/// When the store fails.
pub(crate) async fn delete_tags(lambda: &Lambda, context: &Context, uuid: &str) -> Outcome<()> {
    let key = parts(&context.account, &context.region, uuid);
    if MAPPING_TAGS.get_now(&*lambda.store, &key).await?.is_none() {
        return Ok(());
    }
    let mut transaction = Transaction::new();
    MAPPING_TAGS.delete(&mut transaction, &key);
    lambda.store.commit(transaction).await?;
    Ok(())
}

async fn require(lambda: &Lambda, context: &Context, uuid: &str) -> Outcome<()> {
    match lambda.event_sources.get(&context.account, &context.region, uuid).await {
        Ok(mapping) if mapping.state != State::Deleting => Ok(()),
        Ok(_) => Err(mapping_not_found()),
        Err(error) => Err(failure(error, "update")),
    }
}
