//! `SubscribeToShard`: what a client gets over the wire.

use std::pin::Pin;
use std::time::Duration;

use api_kinesis::{
    EncryptionType, Kinesis as _, SERVICE, ShardIteratorType, SplitShardInput, StartStreamEncryptionInput,
    StartingPosition, SubscribeToShardInput,
};
use bytes::{Bytes, BytesMut};
use clock::execution_sleep;
use futures::{FutureExt, Stream, StreamExt};
use ids::RequestId;
use serde_json::Value;
use wire::{Body, Error, Frame, HeaderValue, Protocol};

use crate::world::{START, World, refused, shard_id};

/// The frames of an answer.
struct Frames(Pin<Box<dyn Stream<Item = Bytes> + Send + Sync>>);

/// A frame's type, and what it says.
type Told = (String, Value);

impl Frames {
    async fn next(&mut self) -> Option<Told> {
        let bytes = self.0.next().await?;
        let frame = Frame::decode(&mut BytesMut::from(&bytes[..])).unwrap();
        let kind = frame.headers.iter().find(|(name, _)| name.ends_with("-type") && name != ":message-type");
        let Some((_, HeaderValue::Text(kind))) = kind else { panic!("{frame:?}") };
        Some((kind.clone(), serde_json::from_slice(&frame.payload).unwrap()))
    }

    async fn event(&mut self) -> Value {
        let (kind, event) = self.next().await.unwrap();
        assert_eq!(kind, "SubscribeToShardEvent");
        event
    }

    /// The data of so many records, as base64.
    async fn data(&mut self, count: usize) -> Vec<String> {
        let mut data = Vec::new();
        while data.len() < count {
            let event = self.event().await;
            let records = event["Records"].as_array().unwrap();
            data.extend(records.iter().map(|record| record["Data"].as_str().unwrap().to_owned()));
        }
        data
    }
}

impl World {
    async fn subscribe(&self, arn: &str, shard: u32, from: StartingPosition) -> Result<Frames, Error> {
        self.subscribe_with(SubscribeToShardInput {
            consumer_arn: arn.to_owned(),
            shard_id: shard_id(shard),
            starting_position: from,
            ..Default::default()
        })
        .await
    }

    async fn subscribe_with(&self, input: SubscribeToShardInput) -> Result<Frames, Error> {
        let output = self.kinesis.subscribe_to_shard(&self.context, input).await?;
        let operation = SERVICE.operations.iter().find(|one| one.name == "SubscribeToShard").unwrap();
        let id = RequestId::from_random(1);
        let answer = wire::respond(&SERVICE, operation, Protocol::AwsJson11, id, Some(Box::new(output)));
        let Body::Stream(stream) = answer.into_body() else { panic!("not a stream") };
        let mut frames = Frames(stream);
        assert_eq!(
            frames.next().await,
            Some(("initial-response".to_owned(), Value::Object(Default::default())))
        );
        Ok(frames)
    }

    async fn split(&self) {
        let input = SplitShardInput {
            stream_name: Some("s".to_owned()),
            shard_to_split: shard_id(0),
            new_starting_hash_key: (1_u128 << 127).to_string(),
            ..Default::default()
        };
        self.kinesis.split_shard(&self.context, input).await.unwrap();
        self.settled().await;
    }
}

fn from(kind: ShardIteratorType) -> StartingPosition {
    StartingPosition { r#type: kind, ..Default::default() }
}

const A: &str = "YQ==";
const B: &str = "Yg==";
const C: &str = "Yw==";

#[tokio::test(start_paused = true)]
async fn records_come_as_they_are_put() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let a = world.put(0, "a").await.unwrap();
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::TrimHorizon)).await.unwrap();
    let event = frames.event().await;
    assert_eq!(event["Records"][0]["Data"], A);
    assert_eq!(event["Records"][0]["PartitionKey"], "k");
    assert_eq!(event["Records"][0]["SequenceNumber"], *a.sequence_number);
    assert_eq!(event["Records"][0]["ApproximateArrivalTimestamp"], START.as_secs_f64());
    assert_eq!(event["ContinuationSequenceNumber"], *a.sequence_number);
    assert_eq!(event["MillisBehindLatest"], 0);
    assert!(frames.next().now_or_never().is_none(), "nothing is there");
    let (event, b) = tokio::join!(frames.event(), world.put(0, "b"));
    assert_eq!(event["Records"][0]["Data"], B);
    assert_eq!(event["ContinuationSequenceNumber"], *b.unwrap().sequence_number);
}

#[tokio::test(start_paused = true)]
async fn every_position_begins_where_it_should() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    world.put(0, "a").await.unwrap();
    world.advance(60).await;
    let b = world.put(0, "b").await.unwrap().sequence_number;
    world.advance(60).await;
    let numbered =
        |kind| StartingPosition { r#type: kind, sequence_number: Some(b.clone()), timestamp: None };
    let timestamp = Some(START + Duration::from_secs(30));
    let timed = StartingPosition { r#type: ShardIteratorType::AtTimestamp, sequence_number: None, timestamp };
    let mut all = Vec::new();
    for (position, expected) in [
        (from(ShardIteratorType::TrimHorizon), vec![A, B, C]),
        (numbered(ShardIteratorType::AtSequenceNumber), vec![B, C]),
        (numbered(ShardIteratorType::AfterSequenceNumber), vec![C]),
        (timed, vec![B, C]),
        (from(ShardIteratorType::Latest), vec![C]),
    ] {
        let consumer = world.registered(&format!("c{}", all.len())).await;
        all.push((world.subscribe(&consumer, 0, position).await.unwrap(), expected));
    }
    world.put(0, "c").await.unwrap();
    for (mut frames, expected) in all {
        assert_eq!(frames.data(expected.len()).await, expected);
    }
    for (position, code) in [
        (from(ShardIteratorType::AtSequenceNumber), "InvalidArgumentException"),
        (from(ShardIteratorType::AtTimestamp), "InvalidArgumentException"),
    ] {
        assert_eq!(world.subscribe(&arn, 0, position).await.err().unwrap().code(), code);
    }
}

/// Whatever the position, a client can go on after the number that an event without records has.
#[tokio::test(start_paused = true)]
async fn a_client_goes_on_where_it_was() {
    let world = World::with_stream(1).await;
    let at = |seconds| StartingPosition {
        r#type: ShardIteratorType::AtTimestamp,
        sequence_number: None,
        timestamp: Some(START + Duration::from_secs(seconds)),
    };
    let mut numbers = Vec::new();
    for (name, position) in
        [("a", from(ShardIteratorType::TrimHorizon)), ("b", from(ShardIteratorType::Latest)), ("c", at(0))]
    {
        let arn = world.registered(name).await;
        let mut frames = world.subscribe(&arn, 0, position).await.unwrap();
        let event = frames.event().await;
        assert_eq!(event["Records"], Value::Array(Vec::new()));
        numbers.push(event["ContinuationSequenceNumber"].as_str().unwrap().to_owned());
    }
    world.put(0, "a").await.unwrap();
    for number in numbers {
        let arn = world.registered(&number[30..]).await;
        let after = StartingPosition {
            r#type: ShardIteratorType::AfterSequenceNumber,
            sequence_number: Some(number),
            timestamp: None,
        };
        let mut frames = world.subscribe(&arn, 0, after).await.unwrap();
        assert_eq!(frames.data(1).await, [A]);
        world.deregister(&arn).await.unwrap();
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_every_five_seconds_for_five_minutes() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::Latest)).await.unwrap();
    let mut events = 0;
    while let Some((kind, event)) = frames.next().await {
        assert_eq!((kind.as_str(), &event["MillisBehindLatest"]), ("SubscribeToShardEvent", &Value::from(0)));
        events += 1;
    }
    assert!((59..=60).contains(&events), "{events}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_ends_with_its_children() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    world.put(0, "a").await.unwrap();
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::TrimHorizon)).await.unwrap();
    assert_eq!(frames.data(1).await, [A]);
    world.split().await;
    let end = frames.event().await;
    assert_eq!(end.get("ContinuationSequenceNumber"), None);
    let children: Vec<&Value> =
        end["ChildShards"].as_array().unwrap().iter().map(|child| &child["ShardId"]).collect();
    assert_eq!(children, [&shard_id(1), &shard_id(2)]);
    assert_eq!(frames.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_ground_away_ends_it() {
    let world = World::with_stream(1).await;
    let (one, two) = (world.registered("one").await, world.registered("two").await);
    let mut first = world.subscribe(&one, 0, from(ShardIteratorType::Latest)).await.unwrap();
    let mut second = world.subscribe(&two, 0, from(ShardIteratorType::Latest)).await.unwrap();
    world.deregister(&one).await.unwrap();
    let (kind, error) = first.next().await.unwrap();
    assert_eq!(kind, "ResourceNotFoundException");
    assert_eq!(error["message"], "Consumer one under stream s, account 000000000000 not found.");
    assert_eq!(first.next().await, None);
    let input = api_kinesis::DeleteStreamInput {
        stream_name: Some("s".to_owned()),
        enforce_consumer_deletion: Some(true),
        ..Default::default()
    };
    world.kinesis.delete_stream(&world.context, input).await.unwrap();
    assert_eq!(second.next().await.unwrap().0, "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_server_stops_or_nobody_listens_any_more() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::Latest)).await.unwrap();
    let stops = World::with_stream(1).await;
    let mut served =
        stops.subscribe(&stops.registered("c").await, 0, from(ShardIteratorType::Latest)).await.unwrap();
    stops.kinesis.stop_waiting();
    assert_eq!(served.next().await, None);
    let (next, ()) = tokio::join!(frames.next(), async {
        execution_sleep(Duration::from_secs(1)).await;
        world.context.client.hang_up();
    });
    assert_eq!(next, None);
}

#[tokio::test(start_paused = true)]
async fn one_subscription_at_a_time() {
    let world = World::with_stream(2).await;
    let arn = world.registered("c").await;
    let latest = || from(ShardIteratorType::Latest);
    let first = world.subscribe(&arn, 0, latest()).await.unwrap();
    let message =
        "Another active subscription exists for this consumer: 000000000000:s:shardId-000000000000:c";
    refused(world.subscribe(&arn, 0, latest()).await, "ResourceInUseException", message);
    // Not even when it has ended: five seconds count from when it began.
    drop(first);
    refused(world.subscribe(&arn, 0, latest()).await, "ResourceInUseException", message);
    world.subscribe(&arn, 1, latest()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_subscribed_to_is_refused() {
    let world = World::with_stream(1).await;
    let latest = || from(ShardIteratorType::Latest);
    let arn = world.register("c").await.unwrap().consumer_arn;
    let seconds = START.as_secs();
    let message = format!(
        "Consumer c with creation timestamp {seconds} under stream: s , account 000000000000 is not in ACTIVE status."
    );
    refused(world.subscribe(&arn, 0, latest()).await, "ResourceInUseException", &message);
    world.settled().await;
    let no_shard = world.subscribe(&arn, 7, latest()).await.err().unwrap();
    assert_eq!(no_shard.code(), "ResourceNotFoundException");
    let no_consumer = world.subscribe(&arn.replace("consumer/c", "consumer/d"), 0, latest()).await;
    assert_eq!(no_consumer.err().unwrap().code(), "ResourceNotFoundException");
    let try_out = SubscribeToShardInput {
        consumer_arn: arn.clone(),
        shard_id: shard_id(0),
        starting_position: latest(),
        dry_run: Some(true),
        ..Default::default()
    };
    let tried = world.subscribe_with(try_out).await.err().unwrap();
    assert_eq!(tried.code(), "DryRunOperationException");
    world.subscribe(&arn, 0, latest()).await.unwrap();
}

/// A client that reads slowly makes nothing pile up: what it has not asked for is not read.
#[tokio::test]
async fn encryption_that_is_started_later_is_shown() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::TrimHorizon)).await.unwrap();
    world.put(0, "a").await.unwrap();
    assert_eq!(frames.event().await["Records"][0].get("EncryptionType"), None);
    let input = StartStreamEncryptionInput {
        stream_name: Some("s".to_owned()),
        encryption_type: EncryptionType::Kms,
        key_id: "alias/aws/kinesis".to_owned(),
        ..Default::default()
    };
    world.kinesis.start_stream_encryption(&world.context, input).await.unwrap();
    world.settled().await;
    world.put(0, "b").await.unwrap();
    assert_eq!(frames.event().await["Records"][0]["EncryptionType"], "KMS");
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_gets_all_in_bounded_events() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let mut frames = world.subscribe(&arn, 0, from(ShardIteratorType::TrimHorizon)).await.unwrap();
    let large = "x".repeat(400_000);
    for _ in 0..6 {
        world.advance(2).await;
        world.put(0, &large).await.unwrap();
    }
    let mut counts = Vec::new();
    while counts.iter().sum::<usize>() < 6 {
        let event = frames.event().await;
        counts.push(event["Records"].as_array().unwrap().len());
        assert_eq!(event["MillisBehindLatest"] == 0, counts.iter().sum::<usize>() == 6);
    }
    assert_eq!(counts, [2, 2, 2]);
}
