//! Streams come, are described and listed, and go.

use api_kinesis::{
    CreateStreamInput, DeleteStreamInput, DescribeLimitsInput, DescribeStreamInput,
    DescribeStreamSummaryInput, Kinesis as _, ListStreamsInput, RecordDistributionStrategy,
    RegisterStreamConsumerInput, StreamMode, StreamModeDetails,
};
use wire::Error;

use crate::world::{World, context, refused, shard_id};

const MISSING: &str = "Stream s under account 000000000000 not found.";

fn delete(world: &World, input: DeleteStreamInput) -> impl Future<Output = Result<(), Error>> {
    let input = DeleteStreamInput { stream_name: Some("s".to_owned()), ..input };
    world.kinesis.delete_stream(&world.context, input)
}

#[tokio::test]
async fn a_stream_is_created_then_active_then_deleted() {
    let world = World::new();
    world.create("s", 2).await.unwrap();
    assert_eq!(world.status("s").await, "CREATING");
    refused(world.put(0, "x").await, "ResourceNotFoundException", MISSING);
    refused(
        world.create("s", 1).await,
        "ResourceInUseException",
        "Stream s under account 000000000000 already exists.",
    );
    // So that waiters need not ask again, descriptions wait for it.
    let active = world.describe("s").await.unwrap();
    assert_eq!(active.stream_status.as_str(), "ACTIVE");
    assert_eq!(active.stream_arn, "arn:aws:kinesis:eu-central-1:000000000000:stream/s");
    assert_eq!((active.retention_period_hours, active.has_more_shards), (24, false));
    assert_eq!(active.stream_mode_details.unwrap().stream_mode, StreamMode::Provisioned);
    let middle = 1_u128 << 127;
    let ranges: Vec<_> = active.shards.iter().map(|shard| shard.hash_key_range.clone()).collect();
    let starts: Vec<_> = ranges.iter().map(|range| range.starting_hash_key.clone()).collect();
    let ends: Vec<_> = ranges.iter().map(|range| range.ending_hash_key.clone()).collect();
    assert_eq!(starts, ["0".to_owned(), middle.to_string()]);
    assert_eq!(ends, [(middle - 1).to_string(), u128::MAX.to_string()]);

    delete(&world, DeleteStreamInput::default()).await.unwrap();
    assert_eq!(world.status("s").await, "DELETING");
    refused(world.put(0, "x").await, "ResourceNotFoundException", MISSING);
    refused(world.describe("s").await, "ResourceNotFoundException", MISSING);
    refused(delete(&world, DeleteStreamInput::default()).await, "ResourceNotFoundException", MISSING);
}

#[tokio::test]
async fn a_stream_made_again_has_nothing_of_the_old_one() {
    let world = World::with_stream(1).await;
    world.put(0, "old").await.unwrap();
    let iterator = world.iterator(0, api_kinesis::ShardIteratorType::TrimHorizon).await;
    delete(&world, DeleteStreamInput::default()).await.unwrap();
    world.settled().await;
    refused(
        world.get(&iterator).await,
        "ResourceNotFoundException",
        "Shard shardId-000000000000 in stream s under account 000000000000 does not exist",
    );
    world.create("s", 1).await.unwrap();
    world.settled().await;
    assert_eq!(world.read(0).await, Vec::<String>::new());
    refused(world.get(&iterator).await, "InvalidArgumentException", "Invalid ShardIterator.");
}

#[tokio::test]
async fn consumers_keep_a_stream_unless_they_are_to_go_with_it() {
    let world = World::with_stream(1).await;
    let input = RegisterStreamConsumerInput {
        stream_arn: world.arn("s"),
        consumer_name: "c".to_owned(),
        ..Default::default()
    };
    world.kinesis.register_stream_consumer(&world.context, input).await.unwrap();
    world.settled().await;
    assert_eq!(world.summary("s").await.consumer_count, Some(1));
    let refusal = delete(&world, DeleteStreamInput::default()).await.unwrap_err();
    assert_eq!(refusal.code(), "ResourceInUseException");
    let enforce = DeleteStreamInput { enforce_consumer_deletion: Some(true), ..Default::default() };
    delete(&world, enforce).await.unwrap();
    world.settled().await;
    world.create("s", 1).await.unwrap();
    assert_eq!(world.summary("s").await.consumer_count, Some(0));
}

#[tokio::test]
async fn shards_are_described_a_hundred_at_a_time() {
    let world = World::with_stream(130).await;
    let page = world.describe("s").await.unwrap();
    assert_eq!((page.shards.len(), page.has_more_shards), (100, true));
    let input = DescribeStreamInput {
        stream_name: Some("s".to_owned()),
        limit: Some(10_000),
        exclusive_start_shard_id: Some(page.shards[99].shard_id.clone()),
        ..Default::default()
    };
    let rest = world.kinesis.describe_stream(&world.context, input).await.unwrap().stream_description;
    assert_eq!((rest.shards.len(), rest.has_more_shards), (30, false));
    assert_eq!(rest.shards[0].shard_id, shard_id(100));
    assert_eq!(world.summary("s").await.open_shard_count, 130);
}

#[tokio::test]
async fn streams_are_listed_in_pages() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.create(name, 1).await.unwrap();
    }
    world.settled().await;
    let list = |input| world.kinesis.list_streams(&world.context, input);
    let page = list(ListStreamsInput { limit: Some(2), ..Default::default() }).await.unwrap();
    assert_eq!((page.stream_names, page.has_more_streams), (vec!["a".to_owned(), "b".to_owned()], true));
    let summaries = page.stream_summaries.unwrap();
    assert_eq!(summaries[1].stream_arn, world.arn("b"));
    assert_eq!(summaries[1].stream_status.as_str(), "ACTIVE");
    for next in [
        ListStreamsInput { next_token: page.next_token.clone(), ..Default::default() },
        ListStreamsInput { exclusive_start_stream_name: Some("b".to_owned()), ..Default::default() },
    ] {
        let rest = list(next).await.unwrap();
        assert_eq!((rest.stream_names, rest.has_more_streams), (vec!["c".to_owned()], false));
        assert_eq!(rest.next_token, None);
    }
    let wrong = ListStreamsInput { next_token: Some("wrong".to_owned()), ..Default::default() };
    refused(list(wrong).await, "InvalidArgumentException", "NextToken is invalid.");
    world.advance(301).await;
    let late = ListStreamsInput { next_token: page.next_token, ..Default::default() };
    assert_eq!(list(late).await.unwrap_err().code(), "ExpiredNextTokenException");
    let elsewhere = context("000000000000", "eu-west-1");
    let none = world.kinesis.list_streams(&elsewhere, ListStreamsInput::default()).await.unwrap();
    assert_eq!(none.stream_names, Vec::<String>::new());
}

#[tokio::test]
async fn a_stream_is_named_by_its_name_or_its_arn() {
    let world = World::with_stream(1).await;
    let describe = |name: Option<&str>, arn: Option<&str>, id: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let input = DescribeStreamSummaryInput {
            stream_name: owned(name),
            stream_arn: owned(arn),
            stream_id: owned(id),
        };
        world.kinesis.describe_stream_summary(&world.context, input)
    };
    let arn = world.arn("s");
    assert!(describe(Some("s"), None, None).await.is_ok());
    assert!(describe(None, Some(&arn), None).await.is_ok());
    assert!(describe(Some("s"), Some(&arn), None).await.is_ok());
    for (name, arn, id, code) in [
        (None, None, None, "InvalidArgumentException"),
        (Some("t"), Some(arn.as_str()), None, "InvalidArgumentException"),
        (Some("s"), None, Some("abcdefghij0123456789-abc"), "InvalidArgumentException"),
        (None, Some("arn:aws:kinesis:eu-central-1:000000000000:stream/"), None, "InvalidArgumentException"),
        (None, Some("arn:aws:sqs:eu-central-1:000000000000:stream/s"), None, "InvalidArgumentException"),
        (
            None,
            Some("arn:aws:kinesis:eu-central-1:000000000000:stream/s/t"),
            None,
            "InvalidArgumentException",
        ),
        (None, Some("arn:aws:kinesis:eu-central-1:111111111111:stream/s"), None, "AccessDeniedException"),
        (None, Some("arn:aws:kinesis:eu-west-1:000000000000:stream/s"), None, "ResourceNotFoundException"),
        (None, Some("arn:aws:kinesis:eu-central-1:000000000000:stream/t"), None, "ResourceNotFoundException"),
    ] {
        assert_eq!(describe(name, arn, id).await.unwrap_err().code(), code, "{name:?} {arn:?} {id:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let world = World::new();
    let create = |input: CreateStreamInput| {
        let input = CreateStreamInput { stream_name: "s".to_owned(), ..input };
        world.kinesis.create_stream(&world.context, input)
    };
    let shards = |count| CreateStreamInput { shard_count: Some(count), ..Default::default() };
    let limit = create(shards(20_001)).await.unwrap_err();
    assert_eq!(limit.code(), "LimitExceededException");
    assert!(limit.message().unwrap().contains("Current shard count for the account: 0. Limit: 20000."));
    let of_mode = |stream_mode| Some(StreamModeDetails { stream_mode });
    for input in [
        CreateStreamInput { stream_mode_details: of_mode(StreamMode::Provisioned), ..Default::default() },
        CreateStreamInput { stream_mode_details: of_mode(StreamMode::OnDemand), ..shards(1) },
        CreateStreamInput { warm_throughput_mi_bps: Some(5), ..shards(1) },
        CreateStreamInput {
            record_distribution_strategy: Some(RecordDistributionStrategy::Auto),
            ..shards(1)
        },
        CreateStreamInput { tags: Some([("a!".to_owned(), String::new())].into()), ..shards(1) },
    ] {
        assert_eq!(create(input).await.unwrap_err().code(), "InvalidArgumentException");
    }
    assert_eq!(world.describe("s").await.unwrap_err().code(), "ResourceNotFoundException");
    create(CreateStreamInput::default()).await.unwrap();
    world.settled().await;
    let described = world.describe("s").await.unwrap();
    assert_eq!(described.stream_mode_details, of_mode(StreamMode::OnDemand));
    assert_eq!(described.shards.len(), 4);
}

#[tokio::test]
async fn limits_count_what_there_is() {
    let world = World::with_stream(3).await;
    world.create_on_demand("o").await.unwrap();
    world.settled().await;
    let limits = world.kinesis.describe_limits(&world.context, DescribeLimitsInput {}).await.unwrap();
    assert_eq!((limits.open_shard_count, limits.shard_limit), (7, 20_000));
    assert_eq!((limits.on_demand_stream_count, limits.on_demand_stream_count_limit), (1, 50));
}
