//! Shards as requests name them.

use stream::{Shard, ShardId};
use wire::Error;

use crate::directory::OpenStream;
use crate::errors::{shard_missing, shard_unknown, stream_failed};

/// The shard that a reader names.
pub(crate) async fn find(open: &OpenStream, name: &str) -> Result<Shard, Error> {
    let id = ShardId::parse(name).ok_or_else(|| shard_unknown(&open.key, name))?;
    let shards = open.stream.shards().await.map_err(|error| stream_failed(&open.key, &error))?;
    shards.into_iter().find(|shard| shard.id == id).ok_or_else(|| shard_missing(&open.key, id))
}
