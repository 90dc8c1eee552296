//! What survives a restart, and what the store does when it must not be trusted to answer.

use std::time::Duration;

use api_kinesis::{
    AddTagsToStreamInput, DeleteStreamInput, Kinesis as _, ListTagsForStreamInput, ScalingType,
    SplitShardInput, UpdateShardCountInput,
};
use clock::execution_sleep;
use event_source::FindStream;
use ids::Arn;
use store::{Applied, CommitError, Store};
use stream::ShardId;

use crate::world::{World, shard_id};

#[tokio::test]
async fn changes_go_on_after_a_restart() {
    let world = World::new();
    world.create("s", 2).await.unwrap();
    let world = world.restarted();
    assert_eq!(world.status("s").await, "CREATING");
    world.settled().await;
    assert_eq!(world.status("s").await, "ACTIVE");
    world.put(0, "x").await.unwrap();

    let scale = UpdateShardCountInput {
        stream_name: Some("s".to_owned()),
        target_shard_count: 4,
        scaling_type: ScalingType::UniformScaling,
        ..Default::default()
    };
    world.kinesis.update_shard_count(&world.context, scale).await.unwrap();
    let world = world.restarted();
    assert_eq!(world.status("s").await, "UPDATING");
    world.settled().await;
    assert_eq!((world.status("s").await.as_str(), world.summary("s").await.open_shard_count), ("ACTIVE", 4));
    assert_eq!(world.read(0).await, ["x"]);

    let delete = DeleteStreamInput { stream_name: Some("s".to_owned()), ..Default::default() };
    world.kinesis.delete_stream(&world.context, delete).await.unwrap();
    let world = world.restarted();
    assert_eq!(world.status("s").await, "DELETING");
    world.settled().await;
    assert_eq!(world.describe("s").await.unwrap_err().code(), "ResourceNotFoundException");
}

/// The shard was split, but the end of that was not written down.
#[tokio::test(start_paused = true)]
async fn what_expires_leaves_the_disk_though_nobody_asks_for_it_after_a_restart() {
    let world = World::with_stream(1).await;
    let rows = async |world: &World| {
        let snapshot = world.store.snapshot().await.unwrap();
        snapshot.range(&[], &[0xff], usize::MAX, false).await.unwrap().len()
    };
    let before = rows(&world).await;
    for data in ["x", "y", "z"] {
        world.put(0, data).await.unwrap();
    }
    assert_eq!(rows(&world).await, before + 3);
    world.advance(25 * 3_600).await;
    let world = world.restarted();
    execution_sleep(Duration::from_secs(120)).await;
    assert_eq!(rows(&world).await, before + 1, "up to which number they are gone is written down");
}

#[tokio::test]
async fn a_split_is_not_done_twice() {
    let world = World::with_stream(1).await;
    let split = SplitShardInput {
        stream_name: Some("s".to_owned()),
        shard_to_split: shard_id(0),
        new_starting_hash_key: (1_u128 << 127).to_string(),
        ..Default::default()
    };
    world.kinesis.split_shard(&world.context, split).await.unwrap();
    let arn = Arn::parse(&world.arn("s")).unwrap();
    let stream = world.kinesis.stream(&arn).await.unwrap().unwrap();
    stream.split(ShardId(0), 1 << 127).await.unwrap();
    let world = world.restarted();
    world.settled().await;
    assert_eq!((world.status("s").await.as_str(), world.shards("s").await.len()), ("ACTIVE", 3));
}

#[tokio::test]
async fn what_was_not_stored_is_not_there() {
    let world = World::new();
    world.store.fail_next_commit(CommitError::Unavailable("the disk is full".to_owned()), Applied::No);
    assert_eq!(world.create("s", 1).await.unwrap_err().status(), 503);
    assert_eq!(world.describe("s").await.unwrap_err().code(), "ResourceNotFoundException");
    world.create("s", 1).await.unwrap();
    world.settled().await;
    world.store.fail_next_commit(CommitError::Unavailable("the disk is full".to_owned()), Applied::No);
    assert_eq!(world.put(0, "x").await.unwrap_err().status(), 500);
    assert_eq!(world.read(0).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_change_whose_outcome_is_unknown_is_looked_up() {
    let world = World::with_stream(1).await;
    let tag = |value: &str| {
        let tags = [("t".to_owned(), value.to_owned())].into();
        let input = AddTagsToStreamInput { stream_name: Some("s".to_owned()), tags, ..Default::default() };
        world.kinesis.add_tags_to_stream(&world.context, input)
    };
    let value = async || {
        let input = ListTagsForStreamInput { stream_name: Some("s".to_owned()), ..Default::default() };
        let mut tags = world.kinesis.list_tags_for_stream(&world.context, input).await.unwrap().tags;
        tags.pop().and_then(|tag| tag.value)
    };
    world.store.fail_next_commit(CommitError::Unknown("the disk went away".to_owned()), Applied::Yes);
    assert_eq!(tag("1").await.unwrap_err().status(), 503);
    assert_eq!(value().await.as_deref(), Some("1"));
    world.store.fail_next_commit(CommitError::Unavailable("the disk is full".to_owned()), Applied::No);
    assert_eq!(tag("2").await.unwrap_err().status(), 503);
    assert_eq!(value().await.as_deref(), Some("1"));
}

/// Whoever asked was told of a failure; what was begun all the same comes to its end.
#[tokio::test]
async fn a_change_that_is_begun_without_anybody_knowing_is_done() {
    let world = World::new();
    let unknown = || {
        let error = CommitError::Unknown("the disk went away".to_owned());
        world.store.fail_next_commit(error, Applied::Yes);
    };
    unknown();
    assert_eq!(world.create("s", 1).await.unwrap_err().status(), 503);
    world.settled().await;
    assert_eq!(world.status("s").await, "ACTIVE");
    world.put(0, "x").await.unwrap();
    unknown();
    let split = SplitShardInput {
        stream_name: Some("s".to_owned()),
        shard_to_split: shard_id(0),
        new_starting_hash_key: "1000".to_owned(),
        ..Default::default()
    };
    assert_eq!(world.kinesis.split_shard(&world.context, split).await.unwrap_err().status(), 503);
    world.settled().await;
    assert_eq!((world.status("s").await.as_str(), world.shards("s").await.len()), ("ACTIVE", 3));
    unknown();
    let delete = DeleteStreamInput { stream_name: Some("s".to_owned()), ..Default::default() };
    assert_eq!(world.kinesis.delete_stream(&world.context, delete).await.unwrap_err().status(), 503);
    world.settled().await;
    assert_eq!(world.describe("s").await.unwrap_err().code(), "ResourceNotFoundException");
}
