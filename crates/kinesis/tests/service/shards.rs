//! Shards are split, merged, counted and listed.

use api_kinesis::{
    IncreaseStreamRetentionPeriodInput, Kinesis as _, ListShardsInput, ListShardsOutput, MergeShardsInput,
    ScalingType, ShardFilter, ShardIteratorType, SplitShardInput, StreamMode, StreamModeDetails,
    UpdateShardCountInput, UpdateShardCountOutput, UpdateStreamModeInput,
};
use clock::Clock;
use std::time::Duration;
use wire::Error;

use crate::world::{START, World, data, refused, shard_id};

fn split(world: &World, shard: u32, key: u128) -> impl Future<Output = Result<(), Error>> {
    let input = SplitShardInput {
        stream_name: Some("s".to_owned()),
        shard_to_split: shard_id(shard),
        new_starting_hash_key: key.to_string(),
        ..Default::default()
    };
    world.kinesis.split_shard(&world.context, input)
}

fn merge(world: &World, shard: u32, adjacent: u32) -> impl Future<Output = Result<(), Error>> {
    let input = MergeShardsInput {
        stream_name: Some("s".to_owned()),
        shard_to_merge: shard_id(shard),
        adjacent_shard_to_merge: shard_id(adjacent),
        ..Default::default()
    };
    world.kinesis.merge_shards(&world.context, input)
}

async fn scale(world: &World, target: i32) -> Result<UpdateShardCountOutput, Error> {
    let input = UpdateShardCountInput {
        stream_name: Some("s".to_owned()),
        target_shard_count: target,
        scaling_type: ScalingType::UniformScaling,
        ..Default::default()
    };
    world.kinesis.update_shard_count(&world.context, input).await
}

async fn list(world: &World, input: ListShardsInput) -> Result<ListShardsOutput, Error> {
    world.kinesis.list_shards(&world.context, input).await
}

fn numbers(output: &ListShardsOutput) -> Vec<u32> {
    let shards = output.shards.as_ref().unwrap().iter();
    shards.map(|shard| shard.shard_id["shardId-".len()..].parse().unwrap()).collect()
}

#[tokio::test]
async fn a_split_shard_is_read_to_its_end_and_leads_to_its_children() {
    let world = World::with_stream(1).await;
    world.put(0, "before").await.unwrap();
    split(&world, 0, 1_000).await.unwrap();
    assert_eq!(world.status("s").await, "UPDATING");
    assert_eq!(world.put(0, "during").await.unwrap().shard_id, shard_id(0), "it goes on meanwhile");
    refused(
        split(&world, 0, 500).await,
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING",
    );
    world.settled().await;
    assert_eq!(world.status("s").await, "ACTIVE");
    assert_eq!(world.put(999, "low").await.unwrap().shard_id, shard_id(1));
    assert_eq!(world.put(1_000, "high").await.unwrap().shard_id, shard_id(2));
    let shards = world.shards("s").await;
    let parents: Vec<_> = shards.iter().map(|shard| shard.parent_shard_id.clone()).collect();
    assert_eq!(parents, [None, Some(shard_id(0)), Some(shard_id(0))]);
    let ends = shards.iter().map(|shard| shard.sequence_number_range.ending_sequence_number.is_some());
    assert_eq!(ends.collect::<Vec<_>>(), [true, false, false]);

    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    let mut page = world.get(&iterator).await.unwrap();
    assert_eq!(data(&page), ["before", "during"]);
    if let Some(next) = page.next_shard_iterator {
        page = world.get(&next).await.unwrap();
    }
    assert_eq!(page.next_shard_iterator, None);
    let children = page.child_shards.unwrap();
    assert_eq!(children.iter().map(|child| child.shard_id.clone()).collect::<Vec<_>>(), [1, 2].map(shard_id));
    assert_eq!(children[1].parent_shards, [shard_id(0)]);
    assert_eq!(children[1].hash_key_range.starting_hash_key, "1000");
}

#[tokio::test]
async fn merged_shards_have_one_child() {
    let world = World::with_stream(3).await;
    merge(&world, 1, 0).await.unwrap();
    world.settled().await;
    let merged = world.shards("s").await.swap_remove(3);
    assert_eq!(merged.parent_shard_id, Some(shard_id(1)));
    assert_eq!(merged.adjacent_parent_shard_id, Some(shard_id(0)));
    assert_eq!(merged.hash_key_range.starting_hash_key, "0");
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    let children = world.get(&iterator).await.unwrap().child_shards.unwrap();
    assert_eq!(children[0].parent_shards, [shard_id(1), shard_id(0)]);
    assert_eq!(world.summary("s").await.open_shard_count, 2);
}

#[tokio::test]
async fn what_cannot_be_split_or_merged_is_refused() {
    let world = World::with_stream(3).await;
    let end = u128::MAX / 3;
    for key in [0, 1, end - 1, end, u128::MAX] {
        refused(
            split(&world, 0, key).await,
            "InvalidArgumentException",
            &format!(
                "NewStartingHashKey {key} used in SplitShard() on shard shardId-000000000000 in stream s under account \
                 000000000000 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's \
                 EndingHashKey {}.",
                end - 1
            ),
        );
    }
    refused(
        split(&world, 9, 5).await,
        "ResourceNotFoundException",
        "Could not find shard shardId-000000000009 in stream s under account 000000000000.",
    );
    for (shard, adjacent) in [(0, 2), (1, 1)] {
        refused(
            merge(&world, shard, adjacent).await,
            "InvalidArgumentException",
            &format!(
                "Shards {} and {} in stream s under account 000000000000 are not an adjacent pair of shards eligible for \
                 merging",
                shard_id(shard),
                shard_id(adjacent)
            ),
        );
    }
    merge(&world, 0, 1).await.unwrap();
    world.settled().await;
    for refusal in [split(&world, 0, 5).await, merge(&world, 0, 1).await] {
        refused(
            refusal,
            "InvalidArgumentException",
            "Shard shardId-000000000000 in stream s under account 000000000000 has already been merged or split, and thus \
             is not eligible for merging or splitting.",
        );
    }
}

#[tokio::test]
async fn the_number_of_shards_follows_the_caller() {
    let world = World::with_stream(2).await;
    let answer = scale(&world, 3).await.unwrap();
    assert_eq!((answer.current_shard_count, answer.target_shard_count), (Some(2), Some(3)));
    assert_eq!(answer.stream_arn, Some(world.arn("s")));
    world.settled().await;
    let open = world.shards("s").await.into_iter();
    let mut starts: Vec<u128> = open
        .filter(|shard| shard.sequence_number_range.ending_sequence_number.is_none())
        .map(|shard| shard.hash_key_range.starting_hash_key.parse().unwrap())
        .collect();
    starts.sort_unstable();
    assert_eq!(starts, [0, u128::MAX / 3, u128::MAX / 3 * 2]);
    refused(
        scale(&world, 7).await,
        "LimitExceededException",
        "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 3, Target \
         shard count: 7",
    );
    refused(
        scale(&world, 1).await,
        "LimitExceededException",
        "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: 3, Target \
         shard count: 1",
    );
    for target in [2, 3, 2, 3, 2, 3, 2, 3, 2] {
        scale(&world, target).await.unwrap();
        world.settled().await;
    }
    assert_eq!(world.summary("s").await.open_shard_count, 2);
    assert_eq!(scale(&world, 3).await.unwrap_err().code(), "LimitExceededException");
    world.advance(24 * 3_600).await;
    scale(&world, 3).await.unwrap();
}

#[tokio::test]
async fn an_on_demand_stream_grows_by_itself_and_only_so() {
    let world = World::new();
    world.create_on_demand("s").await.unwrap();
    world.settled().await;
    let summary = world.summary("s").await;
    assert_eq!(
        (summary.open_shard_count, summary.stream_mode_details.unwrap().stream_mode.as_str()),
        (4, "ON_DEMAND")
    );
    let refusal = "Request is invalid. Stream s under account 000000000000 is in On-Demand mode.";
    refused(scale(&world, 8).await, "ValidationException", refusal);
    refused(split(&world, 0, 5).await, "ValidationException", refusal);
    refused(merge(&world, 0, 1).await, "ValidationException", refusal);

    world.exhaust(0).await;
    let throttle = async || {
        let answer = world.put(0, "x").await;
        assert_eq!(answer.unwrap_err().code(), "ProvisionedThroughputExceededException");
        world.settled().await;
        world.summary("s").await.open_shard_count
    };
    assert_eq!(throttle().await, 8);
    world.exhaust(0).await;
    assert_eq!(throttle().await, 8, "once in a quarter of an hour");
    world.advance(15 * 60).await;
    world.exhaust(0).await;
    assert_eq!(throttle().await, 16);
}

#[tokio::test]
async fn an_on_demand_stream_that_has_many_shards_keeps_them() {
    let world = World::with_stream(201).await;
    let input = UpdateStreamModeInput {
        stream_arn: world.arn("s"),
        stream_mode_details: StreamModeDetails { stream_mode: StreamMode::OnDemand },
        ..Default::default()
    };
    world.kinesis.update_stream_mode(&world.context, input).await.unwrap();
    world.settled().await;
    world.exhaust(0).await;
    assert_eq!(world.put(0, "x").await.unwrap_err().code(), "ProvisionedThroughputExceededException");
    world.settled().await;
    assert_eq!(world.summary("s").await.open_shard_count, 201);
}

#[tokio::test]
async fn shards_of_what_has_expired_are_not_looked_for_when_the_retention_grows() {
    let world = World::with_stream(1).await;
    for (hours, shard, key) in [(20, 0, 1 << 127), (2, 1, 1 << 126)] {
        world.advance(hours * 3_600).await;
        split(&world, shard, key).await.unwrap();
        world.settled().await;
    }
    world.advance(26 * 3_600).await;
    let input = IncreaseStreamRetentionPeriodInput {
        stream_name: Some("s".to_owned()),
        retention_period_hours: 168,
        ..Default::default()
    };
    world.kinesis.increase_stream_retention_period(&world.context, input).await.unwrap();
    for (kind, at) in [("AT_TRIM_HORIZON", None), ("AT_TIMESTAMP", Some(START))] {
        let input = ListShardsInput {
            stream_name: Some("s".to_owned()),
            shard_filter: Some(ShardFilter { r#type: kind.into(), shard_id: None, timestamp: at }),
            ..Default::default()
        };
        assert_eq!(numbers(&list(&world, input).await.unwrap()), [2, 3, 4], "{kind}");
    }
}

#[tokio::test]
async fn shards_are_listed_as_the_filter_says() {
    let world = World::with_stream(2).await;
    world.advance(60).await;
    split(&world, 0, 1_000).await.unwrap();
    world.settled().await;
    world.advance(60).await;
    let filter = |kind: &str, shard: Option<u32>, seconds: Option<u64>| ShardFilter {
        r#type: kind.into(),
        shard_id: shard.map(shard_id),
        timestamp: seconds.map(|seconds| START + Duration::from_secs(seconds)),
    };
    let filtered = async |filter| {
        let input = ListShardsInput {
            stream_name: Some("s".to_owned()),
            shard_filter: Some(filter),
            ..Default::default()
        };
        list(&world, input).await
    };
    for (filter, expected) in [
        (filter("AFTER_SHARD_ID", Some(1), None), vec![2, 3]),
        (filter("AT_TRIM_HORIZON", None, None), vec![0, 1]),
        (filter("FROM_TRIM_HORIZON", None, None), vec![0, 1, 2, 3]),
        (filter("AT_LATEST", None, None), vec![1, 2, 3]),
        (filter("AT_TIMESTAMP", None, Some(30)), vec![0, 1]),
        (filter("AT_TIMESTAMP", None, Some(90)), vec![1, 2, 3]),
        (filter("FROM_TIMESTAMP", None, Some(30)), vec![0, 1, 2, 3]),
        (filter("FROM_TIMESTAMP", None, Some(90)), vec![1, 2, 3]),
    ] {
        let name = format!("{filter:?}");
        assert_eq!(numbers(&filtered(filter).await.unwrap()), expected, "{name}");
    }
    for wrong in [
        filter("AFTER_SHARD_ID", None, None),
        filter("AT_TIMESTAMP", None, None),
        filter("AT_LATEST", Some(1), None),
        filter("AT_TRIM_HORIZON", None, Some(30)),
        filter("FROM_TIMESTAMP", None, Some(9_999)),
    ] {
        let name = format!("{wrong:?}");
        assert_eq!(filtered(wrong).await.unwrap_err().code(), "InvalidArgumentException", "{name}");
    }
}

#[tokio::test]
async fn shards_are_listed_in_pages() {
    let world = World::with_stream(5).await;
    let first = ListShardsInput {
        stream_name: Some("s".to_owned()),
        exclusive_start_shard_id: Some(shard_id(0)),
        max_results: Some(3),
        ..Default::default()
    };
    let page = list(&world, first.clone()).await.unwrap();
    assert_eq!(numbers(&page), [1, 2, 3]);
    let next = ListShardsInput { next_token: page.next_token.clone(), ..Default::default() };
    let rest = list(&world, next.clone()).await.unwrap();
    assert_eq!((numbers(&rest), rest.next_token), (vec![4], None));
    let both = ListShardsInput { stream_name: Some("s".to_owned()), ..next.clone() };
    refused(
        list(&world, both).await,
        "InvalidArgumentException",
        "NextToken and StreamName cannot be provided together.",
    );
    refused(
        list(&world, ListShardsInput::default()).await,
        "InvalidArgumentException",
        "Either NextToken or StreamName should be provided.",
    );
    let created = world.summary("s").await.stream_creation_timestamp;
    let of_time = |at| ListShardsInput { stream_creation_timestamp: Some(at), ..first.clone() };
    assert!(list(&world, of_time(created)).await.is_ok());
    let other = list(&world, of_time(created + Duration::from_secs(5))).await;
    assert_eq!(other.unwrap_err().code(), "ResourceNotFoundException");
    world.clock.advance_to(world.clock.now() + Duration::from_secs(301)).await;
    assert_eq!(list(&world, next).await.unwrap_err().code(), "ExpiredNextTokenException");
}

#[tokio::test]
async fn a_stream_that_is_being_made_lists_no_shards() {
    let world = World::new();
    world.create("s", 1).await.unwrap();
    let input = ListShardsInput { stream_name: Some("s".to_owned()), ..Default::default() };
    refused(
        list(&world, input).await,
        "ResourceInUseException",
        "Stream s under account 000000000000 not ACTIVE, instead in state CREATING",
    );
}
