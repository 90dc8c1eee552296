//! `GetShardIterator`.

use api_kinesis::{GetShardIteratorInput, GetShardIteratorOutput, ShardIteratorType};
use wire::{Context, Error};

use crate::errors::{dry_run, stream_failed};
use crate::iterator::Iterator;
use crate::service::Inner;
use crate::shard;
use crate::start::{self, Start};
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: GetShardIteratorInput,
) -> Result<GetShardIteratorOutput, Error> {
    let open = reference!(input).find_usable(inner, context).await?;
    let shard = shard::find(&open, &input.shard_id).await?;
    let start = Start {
        kind: input.shard_iterator_type,
        sequence_number: input.starting_sequence_number,
        timestamp: input.timestamp,
        operation: "GetShardIterator",
    };
    let position = start::position(inner, &open, &shard, &start)?;
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    // What is meant is what is so now, not when the iterator is used.
    let position = match start.kind {
        ShardIteratorType::Latest | ShardIteratorType::AtTimestamp => {
            let resolved = open.stream.resolve(shard.id, position).await;
            resolved.map_err(|error| stream_failed(&open.key, &error))?
        }
        _ => position,
    };
    let iterator = Iterator { key: open.key.clone(), shard: shard.id, position, made: inner.clock.now() };
    Ok(GetShardIteratorOutput { shard_iterator: Some(iterator.seal(&open.record.id)) })
}
