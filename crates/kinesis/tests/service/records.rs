//! Records on their way in.

use api_kinesis::{
    Kinesis as _, PutRecordInput, PutRecordsInput, PutRecordsOutput, PutRecordsRequestEntry,
    ShardIteratorType, UpdateMaxRecordSizeInput,
};
use bytes::Bytes;
use wire::Error;

use crate::world::{World, refused, shard_id};

const KIB: usize = 1_024;

fn entry(data: Vec<u8>, hash_key: u128) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry {
        data: Bytes::from(data),
        explicit_hash_key: Some(hash_key.to_string()),
        partition_key: Some("k".to_owned()),
    }
}

async fn put_all(world: &World, records: Vec<PutRecordsRequestEntry>) -> Result<PutRecordsOutput, Error> {
    let input = PutRecordsInput { records, stream_name: Some("s".to_owned()), ..Default::default() };
    world.kinesis.put_records(&world.context, input).await
}

#[tokio::test]
async fn records_go_where_their_keys_belong() {
    let world = World::with_stream(2).await;
    let put = |partition_key: &str, explicit_hash_key: Option<String>| {
        let input = PutRecordInput {
            stream_arn: Some(world.arn("s")),
            partition_key: Some(partition_key.to_owned()),
            explicit_hash_key,
            ..Default::default()
        };
        world.kinesis.put_record(&world.context, input)
    };
    // The MD5 of "a" begins with 0c, that of "b" with 92.
    assert_eq!(put("a", None).await.unwrap().shard_id, shard_id(0));
    assert_eq!(put("b", None).await.unwrap().shard_id, shard_id(1));
    assert_eq!(put("a", Some(u128::MAX.to_string())).await.unwrap().shard_id, shard_id(1));
    let beyond = "340282366920938463463374607431768211456";
    refused(
        put("a", Some(beyond.to_owned())).await,
        "InvalidArgumentException",
        &format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {beyond}"
        ),
    );
}

#[tokio::test]
async fn numbers_grow_and_exceed_the_one_that_is_given() {
    let world = World::with_stream(1).await;
    let first = world.put(0, "a").await.unwrap().sequence_number;
    assert_eq!(first.len(), 56);
    let put = |larger_than: String| {
        let input = PutRecordInput {
            stream_name: Some("s".to_owned()),
            partition_key: Some("k".to_owned()),
            sequence_number_for_ordering: Some(larger_than),
            ..Default::default()
        };
        world.kinesis.put_record(&world.context, input)
    };
    assert!(put(first.clone()).await.unwrap().sequence_number > first);
    assert!(put("0".to_owned()).await.is_ok(), "all are larger");
    let not_yet = format!("{}{}", &first[..3], "9".repeat(53));
    for wrong in ["7".repeat(56), not_yet] {
        let message = format!(
            "ExclusiveMinimumSequenceNumber {wrong} used in PutRecord on stream s under account 000000000000 is invalid."
        );
        refused(put(wrong).await, "InvalidArgumentException", &message);
    }
}

#[tokio::test]
async fn some_records_of_a_request_may_be_throttled() {
    let world = World::with_stream(2).await;
    world.exhaust(0).await;
    world.figures.take();
    let answer = put_all(&world, vec![entry(vec![1], 0), entry(vec![2], u128::MAX)]).await.unwrap();
    assert_eq!(answer.failed_record_count, Some(1));
    let [failed, accepted] = &answer.records[..] else { panic!("{:?}", answer.records) };
    assert_eq!(failed.error_code.as_deref(), Some("ProvisionedThroughputExceededException"));
    let text = "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.";
    assert_eq!(failed.error_message.as_deref(), Some(text));
    assert_eq!((&failed.sequence_number, &failed.shard_id), (&None, &None));
    assert_eq!((&accepted.error_code, accepted.shard_id.clone()), (&None, Some(shard_id(1))));
    assert_eq!(
        world.figures.take(),
        [
            "s PutRecords.Bytes 2",
            "s PutRecords.Success 1",
            "s PutRecords.TotalRecords 2",
            "s PutRecords.SuccessfulRecords 1",
            "s PutRecords.FailedRecords 0",
            "s PutRecords.ThrottledRecords 1",
            "s IncomingRecords 1",
            "s IncomingBytes 2",
            "s WriteProvisionedThroughputExceeded 1",
        ]
    );
    refused(world.put(0, "x").await, "ProvisionedThroughputExceededException", text);
    world.advance(10).await;
    world.put(0, "x").await.unwrap();
}

#[tokio::test]
async fn a_record_has_a_mebibyte_with_its_key_unless_more_was_allowed() {
    let world = World::with_stream(1).await;
    let large = |bytes| put_all(&world, vec![entry(vec![0], 0), entry(vec![0; bytes], 0)]);
    refused(
        large(KIB * KIB).await,
        "ValidationException",
        "1 validation error detected: Value at 'records.2.member.data' failed to satisfy constraint: Member must have \
         length less than or equal to 1048576",
    );
    assert_eq!(world.read(0).await.len(), 0, "one that breaks a rule stands for all");
    world.advance(1).await;
    let largest = put_all(&world, vec![entry(vec![0; KIB * KIB - "k".len()], 0)]);
    assert_eq!(largest.await.unwrap().failed_record_count, Some(0));
    let input = UpdateMaxRecordSizeInput {
        stream_arn: Some(world.arn("s")),
        max_record_size_in_ki_b: 10_240,
        ..Default::default()
    };
    world.kinesis.update_max_record_size(&world.context, input).await.unwrap();
    world.settled().await;
    assert_eq!(world.summary("s").await.max_record_size_in_ki_b, Some(10_240));
    world.advance(1).await;
    let answer = put_all(&world, vec![entry(vec![0; 5 * KIB * KIB], 0)]).await.unwrap();
    assert_eq!(answer.failed_record_count, Some(0));
    let halves = vec![entry(vec![0; 5 * KIB * KIB], 0), entry(vec![0; 5 * KIB * KIB], 0)];
    refused(put_all(&world, halves).await, "InvalidArgumentException", "Records size exceeds 10 MB limit");
}

#[tokio::test]
async fn a_dry_run_puts_nothing() {
    let world = World::with_stream(1).await;
    let input = PutRecordInput {
        stream_name: Some("s".to_owned()),
        partition_key: Some("k".to_owned()),
        dry_run: Some(true),
        ..Default::default()
    };
    refused(
        world.kinesis.put_record(&world.context, input.clone()).await,
        "DryRunOperationException",
        "Request would have succeeded, but DryRun flag is set.",
    );
    let wrong = PutRecordInput { partition_key: None, ..input };
    refused(
        world.kinesis.put_record(&world.context, wrong).await,
        "ValidationException",
        "1 validation error detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null",
    );
    assert_eq!(world.read(0).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_put_and_got_is_counted() {
    let world = World::with_stream(1).await;
    let iterator = world.iterator(0, ShardIteratorType::TrimHorizon).await;
    world.put(0, "four").await.unwrap();
    assert_eq!(
        world.figures.take(),
        [
            "s PutRecord.Bytes 5",
            "s PutRecord.Success 1",
            "s IncomingRecords 1",
            "s IncomingBytes 5",
            "s WriteProvisionedThroughputExceeded 0",
        ]
    );
    world.get(&iterator).await.unwrap();
    assert_eq!(
        world.figures.take(),
        [
            "s GetRecords.Bytes 4",
            "s GetRecords.Records 1",
            "s GetRecords.Success 1",
            "s GetRecords.IteratorAgeMilliseconds 0",
            "s ReadProvisionedThroughputExceeded 0",
        ]
    );
}
