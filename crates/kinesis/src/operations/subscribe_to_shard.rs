//! `SubscribeToShard`: records are pushed as they come.

use std::sync::Arc;

use api_kinesis::{SubscribeToShardInput, SubscribeToShardOutput};
use wire::{Context, Error};

use crate::consumer::{self, Consumer, ConsumerReference, Place, Subscription};
use crate::errors::{dry_run, stream_failed, stream_missing};
use crate::service::Inner;
use crate::shard;
use crate::start::{self, Start};

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: SubscribeToShardInput,
) -> Result<SubscribeToShardOutput, Error> {
    let reference = ConsumerReference::of_arn(input.consumer_arn, input.stream_id);
    let consumer = active(inner, context, reference.clone()).await?;
    let key = &consumer.key.stream;
    let open = inner.directory.find(key).await?.filter(|open| open.record.is_usable());
    let stream = open.ok_or_else(|| stream_missing(key))?;
    let shard = shard::find(&stream, &input.shard_id).await?;
    let start = Start {
        kind: input.starting_position.r#type,
        sequence_number: input.starting_position.sequence_number,
        timestamp: input.starting_position.timestamp,
        operation: "SubscribeToShard",
    };
    let position = start::position(inner, &stream, &shard, &start)?;
    let position = stream.stream.resolve(shard.id, position).await;
    let position = position.map_err(|error| stream_failed(key, &error))?;
    let place = Place { consumer_arn: consumer.arn(), shard: shard.id };
    let in_use = || consumer::already_subscribed(&consumer.key, shard.id);
    if input.dry_run == Some(true) {
        return Err(if inner.subscriptions.is_taken(&place) { in_use() } else { dry_run() });
    }
    let seat = inner.subscriptions.take(place).ok_or_else(in_use)?;
    // Who deregistered it meanwhile may have ended its subscriptions before there was this one.
    let consumer = active(inner, context, reference).await?;
    let client = context.client.clone();
    let subscription = Subscription { inner: inner.clone(), client, consumer, stream, shard, position, seat };
    Ok(SubscribeToShardOutput { event_stream: consumer::events(subscription) })
}

async fn active(inner: &Inner, context: &Context, reference: ConsumerReference) -> Result<Consumer, Error> {
    let consumer = reference.find(inner, context).await?;
    if consumer.record.change.is_some() { Err(consumer::not_active(&consumer)) } else { Ok(consumer) }
}
