//! `SplitShard`.

use std::sync::Arc;

use api_kinesis::SplitShardInput;
use stream::ShardId;
use wire::{Context, Error};

use crate::account::usage;
use crate::background::changes::still;
use crate::errors::{invalid, on_demand, shard_unknown, stream_failed};
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::{Change, Mode, StreamKey};

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: SplitShardInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    let usage = usage(inner, context).await?;
    let stream = still(inner, &key).await?;
    if stream.record.mode == Mode::OnDemand {
        return Err(on_demand(&key));
    }
    let shards = stream.stream.shards().await.map_err(|error| stream_failed(&key, &error))?;
    let shard = find_open(&key, &shards, &input.shard_to_split)?;
    usage.check_shards(context, 1)?;
    let (start, end) = (*shard.hash_keys.start(), *shard.hash_keys.end());
    let text = input.new_starting_hash_key;
    let fits = |key: &u128| *key > start.saturating_add(1) && *key < end;
    let starting_hash_key = text.parse().ok().filter(fits).ok_or_else(|| {
        invalid(format!(
            "NewStartingHashKey {text} used in SplitShard() on shard {} in stream {} under account {} is not both greater \
             than one plus the shard's StartingHashKey {start} and less than the shard's EndingHashKey {end}.",
            shard.id, key.name, key.account
        ))
    })?;
    let change = Change::Split { shard: shard.id, starting_hash_key };
    stream.begin(change).await
}

/// The shard of this name, if it takes records.
pub(super) fn find_open<'a>(
    key: &StreamKey,
    shards: &'a [stream::Shard],
    name: &str,
) -> Result<&'a stream::Shard, Error> {
    let id = ShardId::parse(name).ok_or_else(|| shard_unknown(key, name))?;
    let shard = shards.iter().find(|shard| shard.id == id);
    let shard = shard.ok_or_else(|| shard_unknown(key, &id.to_string()))?;
    if shard.closed.is_some() {
        return Err(invalid(format!(
            "Shard {id} in stream {} under account {} has already been merged or split, and thus is not eligible for merging \
             or splitting.",
            key.name, key.account
        )));
    }
    Ok(shard)
}
