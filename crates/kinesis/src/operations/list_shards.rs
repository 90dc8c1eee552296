//! `ListShards`.

use std::sync::Arc;
use std::time::Duration;

use api_kinesis::{ListShardsInput, ListShardsOutput, ShardFilter, ShardFilterType};
use clock::Timestamp;
use serde::{Deserialize, Serialize};
use stream::Shard;
use wire::{Context, Error};

use crate::directory::OpenStream;
use crate::errors::{invalid, not_active, stream_failed, stream_missing};
use crate::service::Inner;
use crate::stream_reference::{StreamReference, reference};
use crate::{description, token};

/// "If you specify a value greater than 1000, at most 1000 results are returned" (API reference).
const RESULTS_MAX: usize = 1_000;

/// What a list goes on with.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    arn: String,
    /// Another stream of this name is not meant.
    created: Timestamp,
    after: String,
    filter: Option<Filter>,
}

/// Which shards are listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Filter {
    After(String),
    /// Those that were open at this time.
    At(Timestamp),
    /// Those that were open at this time, and all that came later.
    From(Timestamp),
    AtTrimHorizon,
    AtLatest,
}

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: ListShardsInput,
) -> Result<ListShardsOutput, Error> {
    let now = inner.clock.now();
    let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(RESULTS_MAX).min(RESULTS_MAX);
    let (open, place) = match input.next_token.take() {
        Some(token) => {
            check_alone(&input)?;
            let place: Place = token::read(now, &token)?;
            let open = StreamReference::of_arn(place.arn.clone(), None).find(inner, context).await?;
            (open, place)
        }
        None => first(inner, context, now, input).await?,
    };
    if place.created != open.record.created {
        return Err(stream_missing(&open.key));
    }
    if !open.record.is_usable() {
        return Err(not_active(&open.key, &open.record));
    }
    let expired = open.stream.expired_until().await.map_err(|error| stream_failed(&open.key, &error))?;
    let mut shards = description::shards(&open).await?;
    // The oldest moment of which there may be records.
    let first = shards.iter().map(|shard| shard.created).min().unwrap_or(now);
    let horizon = expired.max(first);
    shards.retain(|shard| is_listed(place.filter.as_ref(), shard, horizon));
    let shards = shards.iter().map(description::shard).filter(|shard| shard.shard_id > place.after);
    let mut page: Vec<_> = shards.take(limit + 1).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let next_token = page.last().filter(|_| has_more).map(|last| {
        let after = last.shard_id.clone();
        token::write(now, Place { after, ..place })
    });
    Ok(ListShardsOutput { shards: Some(page), next_token })
}

/// A token says all by itself.
fn check_alone(input: &ListShardsInput) -> Result<(), Error> {
    let others = [
        ("StreamName", input.stream_name.is_some()),
        ("StreamARN", input.stream_arn.is_some()),
        ("ExclusiveStartShardId", input.exclusive_start_shard_id.is_some()),
        ("StreamCreationTimestamp", input.stream_creation_timestamp.is_some()),
        ("ShardFilter", input.shard_filter.is_some()),
    ];
    match others.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(invalid(format!("NextToken and {name} cannot be provided together."))),
        None => Ok(()),
    }
}

async fn first(
    inner: &Inner,
    context: &Context,
    now: Timestamp,
    mut input: ListShardsInput,
) -> Result<(Arc<OpenStream>, Place), Error> {
    if input.stream_name.is_none() && input.stream_arn.is_none() && input.stream_id.is_none() {
        return Err(invalid("Either NextToken or StreamName should be provided."));
    }
    let open = reference!(input).find(inner, context).await?;
    // Clients hand back what they were shown, which has no microseconds.
    if input.stream_creation_timestamp.is_some_and(|at| at.as_secs() != open.record.created.as_secs()) {
        return Err(stream_missing(&open.key));
    }
    let filter = input.shard_filter.map(|filter| check_filter(filter, now)).transpose()?.flatten();
    let place = Place {
        arn: open.key.arn(),
        created: open.record.created,
        after: input.exclusive_start_shard_id.unwrap_or_default(),
        filter,
    };
    Ok((open, place))
}

fn check_filter(filter: ShardFilter, now: Timestamp) -> Result<Option<Filter>, Error> {
    let ShardFilter { r#type, shard_id, timestamp } = filter;
    let kind = r#type.as_str().to_owned();
    let takes_id = r#type == ShardFilterType::AfterShardId;
    let takes_time = matches!(r#type, ShardFilterType::AtTimestamp | ShardFilterType::FromTimestamp);
    for (name, is_given, is_taken) in
        [("ShardId", shard_id.is_some(), takes_id), ("Timestamp", timestamp.is_some(), takes_time)]
    {
        if is_given != is_taken {
            let must = if is_taken { "must" } else { "must not" };
            return Err(invalid(format!("{name} {must} be specified for a ShardFilter of type {kind}.")));
        }
    }
    if timestamp.is_some_and(|at| at > now + Duration::from_secs(1)) {
        return Err(invalid(format!(
            "The Timestamp of a ShardFilter of type {kind} must not be in the future."
        )));
    }
    Ok(match (r#type, shard_id, timestamp) {
        (ShardFilterType::AfterShardId, Some(id), _) => Some(Filter::After(id)),
        (ShardFilterType::AtTimestamp, _, Some(at)) => Some(Filter::At(at)),
        (ShardFilterType::FromTimestamp, _, Some(at)) => Some(Filter::From(at)),
        (ShardFilterType::AtTrimHorizon, ..) => Some(Filter::AtTrimHorizon),
        (ShardFilterType::AtLatest, ..) => Some(Filter::AtLatest),
        // "FROM_TRIM_HORIZON - (default)": all that there are.
        _ => None,
    })
}

fn is_listed(filter: Option<&Filter>, shard: &Shard, horizon: Timestamp) -> bool {
    let is_open_from = |at: Timestamp| shard.closed.is_none_or(|(_, closed)| closed >= at);
    match filter {
        None => true,
        Some(Filter::After(id)) => shard.id.to_string() > *id,
        Some(Filter::AtLatest) => shard.closed.is_none(),
        Some(Filter::AtTrimHorizon) => shard.created <= horizon && is_open_from(horizon),
        Some(Filter::At(at)) => {
            let at = (*at).max(horizon);
            shard.created <= at && is_open_from(at)
        }
        // "Corrected to TRIM_HORIZON of the data stream if FROM_TIMESTAMP is less than the TRIM_HORIZON value."
        Some(Filter::From(at)) => is_open_from((*at).max(horizon)),
    }
}
