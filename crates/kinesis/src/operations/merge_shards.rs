//! `MergeShards`.

use std::sync::Arc;

use api_kinesis::MergeShardsInput;
use wire::{Context, Error};

use super::split_shard::find_open;
use crate::background::changes::still;
use crate::errors::{invalid, on_demand, stream_failed};
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::{Change, Mode};

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: MergeShardsInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    let stream = still(inner, &key).await?;
    if stream.record.mode == Mode::OnDemand {
        return Err(on_demand(&key));
    }
    let shards = stream.stream.shards().await.map_err(|error| stream_failed(&key, &error))?;
    let shard = find_open(&key, &shards, &input.shard_to_merge)?;
    let adjacent = find_open(&key, &shards, &input.adjacent_shard_to_merge)?;
    let is_before = |low: &stream::Shard, high: &stream::Shard| {
        low.hash_keys.end().checked_add(1) == Some(*high.hash_keys.start())
    };
    if !is_before(shard, adjacent) && !is_before(adjacent, shard) {
        return Err(invalid(format!(
            "Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible for merging",
            shard.id, adjacent.id, key.name, key.account
        )));
    }
    let change = Change::Merge { shard: shard.id, adjacent: adjacent.id };
    stream.begin(change).await
}
