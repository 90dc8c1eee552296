//! Iterators, and what they bring.

use api_kinesis::{
    AddTagsToStreamInput, GetRecordsInput, GetShardIteratorInput, Kinesis as _, ShardIteratorType,
};
use clock::Clock;
use std::time::Duration;

use crate::world::{START, World, data, refused, shard_id};

#[tokio::test]
async fn every_kind_of_iterator_begins_where_it_should() {
    let world = World::with_stream(1).await;
    let mut numbers = Vec::new();
    for text in ["a", "b", "c"] {
        numbers.push(world.put(0, text).await.unwrap().sequence_number);
        world.advance(60).await;
    }
    let latest = world.iterator(0, ShardIteratorType::Latest).await;
    let read = async |kind, number: Option<&String>, seconds: Option<u64>| {
        let input = GetShardIteratorInput {
            shard_id: shard_id(0),
            shard_iterator_type: kind,
            starting_sequence_number: number.cloned(),
            timestamp: seconds.map(|seconds| START + Duration::from_secs(seconds)),
            ..Default::default()
        };
        let iterator = world.iterator_with(input).await.unwrap();
        world.advance(1).await;
        data(&world.get(&iterator).await.unwrap()).concat()
    };
    assert_eq!(read(ShardIteratorType::TrimHorizon, None, None).await, "abc");
    assert_eq!(read(ShardIteratorType::AtSequenceNumber, Some(&numbers[1]), None).await, "bc");
    assert_eq!(read(ShardIteratorType::AfterSequenceNumber, Some(&numbers[1]), None).await, "c");
    assert_eq!(read(ShardIteratorType::AtTimestamp, None, Some(0)).await, "abc");
    assert_eq!(read(ShardIteratorType::AtTimestamp, None, Some(60)).await, "bc");
    assert_eq!(read(ShardIteratorType::AtTimestamp, None, Some(61)).await, "c");
    assert_eq!(read(ShardIteratorType::Latest, None, None).await, "");
    world.put(0, "d").await.unwrap();
    assert_eq!(data(&world.get(&latest).await.unwrap()), ["d"]);
}

#[tokio::test]
async fn iterators_that_cannot_be_made_say_why() {
    let world = World::with_stream(2).await;
    let number = world.put(0, "a").await.unwrap().sequence_number;
    let make = |shard: &str, kind, number: Option<&str>, at| {
        world.iterator_with(GetShardIteratorInput {
            shard_id: shard.to_owned(),
            shard_iterator_type: kind,
            starting_sequence_number: number.map(str::to_owned),
            timestamp: at,
            ..Default::default()
        })
    };
    let (first, second) = (shard_id(0), shard_id(1));
    let at_number = ShardIteratorType::AtSequenceNumber;
    refused(
        make(&first, ShardIteratorType::Latest, Some(&number), None).await,
        "InvalidArgumentException",
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
         TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified LATEST and also a StartingSequenceNumber.",
    );
    refused(
        make(&first, at_number.clone(), Some("5"), None).await,
        "InvalidArgumentException",
        "StartingSequenceNumber 5 used in GetShardIterator on shard shardId-000000000000 in stream s under account \
         000000000000 is invalid.",
    );
    refused(
        make(&second, at_number.clone(), Some(&number), None).await,
        "InvalidArgumentException",
        "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with \
         shardId-000000000001",
    );
    refused(
        make(&first, ShardIteratorType::AtTimestamp, None, None).await,
        "InvalidArgumentException",
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp \
         parameter.",
    );
    let future = START + Duration::from_secs(9);
    refused(
        make(&first, ShardIteratorType::AtTimestamp, None, Some(future)).await,
        "InvalidArgumentException",
        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
         1706688318123, currentTimestampInMillis: 1706688309123",
    );
    refused(
        make(&shard_id(7), ShardIteratorType::Latest, None, None).await,
        "ResourceNotFoundException",
        "Shard shardId-000000000007 in stream s under account 000000000000 does not exist",
    );
    refused(
        make("seven", ShardIteratorType::Latest, None, None).await,
        "ResourceNotFoundException",
        "Could not find shard seven in stream s under account 000000000000.",
    );
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended() {
    let world = World::with_stream(1).await;
    for text in ["a", "b", "c"] {
        world.put(0, text).await.unwrap();
        world.advance(10).await;
    }
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    let page = world.get_limited(&iterator, Some(2)).await.unwrap();
    assert_eq!(data(&page), ["a", "b"]);
    assert_eq!(page.millis_behind_latest, Some(10_000), "how old the next one is");
    let record = &page.records[0];
    assert_eq!(record.approximate_arrival_timestamp, Some(START));
    assert_eq!((record.partition_key.as_deref(), &record.encryption_type), (Some("k"), &None));
    let page = world.get(page.next_shard_iterator.as_deref().unwrap()).await.unwrap();
    assert_eq!((data(&page), page.millis_behind_latest), (vec!["c".to_owned()], Some(0)));
    let tip = world.get(page.next_shard_iterator.as_deref().unwrap()).await.unwrap();
    assert_eq!((data(&tip).len(), tip.child_shards), (0, None));
    assert!(tip.next_shard_iterator.is_some());
}

#[tokio::test]
async fn an_iterator_is_good_for_five_minutes() {
    let world = World::with_stream(1).await;
    world.put(0, "a").await.unwrap();
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    world.advance(300).await;
    let page = world.get(&iterator).await.unwrap();
    assert_eq!(data(&page), ["a"]);
    world.advance(1).await;
    assert_eq!(world.get(&iterator).await.unwrap_err().code(), "ExpiredIteratorException");
    assert!(world.get(page.next_shard_iterator.as_deref().unwrap()).await.is_ok());
}

#[tokio::test]
async fn an_iterator_is_good_for_its_stream_and_account_alone() {
    let world = World::with_stream(1).await;
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    world.create("t", 1).await.unwrap();
    world.settled().await;
    let get = |stream: &str| {
        let input = GetRecordsInput {
            shard_iterator: iterator.clone(),
            stream_arn: Some(world.arn(stream)),
            ..Default::default()
        };
        world.kinesis.get_records(&world.context, input)
    };
    assert!(get("s").await.is_ok());
    assert_eq!(get("t").await.unwrap_err().code(), "InvalidArgumentException");
    let other = crate::world::context("111111111111", "eu-central-1");
    let input = GetRecordsInput { shard_iterator: iterator.clone(), ..Default::default() };
    let denied = world.kinesis.get_records(&other, input).await.unwrap_err();
    assert_eq!(denied.code(), "AccessDeniedException");
}

#[tokio::test]
async fn a_shard_is_read_five_times_a_second() {
    let world = World::with_stream(2).await;
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    for _ in 0..5 {
        world.get(&iterator).await.unwrap();
    }
    world.figures.take();
    refused(
        world.get(&iterator).await,
        "ProvisionedThroughputExceededException",
        "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.",
    );
    assert_eq!(world.figures.take(), ["s GetRecords.Success 0", "s ReadProvisionedThroughputExceeded 1"]);
    assert_eq!(world.read(1).await, Vec::<String>::new());
    let tags = [("a".to_owned(), String::new())].into();
    let input = AddTagsToStreamInput { stream_name: Some("s".to_owned()), tags, ..Default::default() };
    world.kinesis.add_tags_to_stream(&world.context, input).await.unwrap();
    assert!(world.get(&iterator).await.is_err(), "another setting does not make it forget");
    world.clock.advance_to(world.clock.now() + Duration::from_secs(1)).await;
    assert!(world.get(&iterator).await.is_ok());
}
