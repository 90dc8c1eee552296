use std::time::Duration;

use clock::Clock;
use stream::{Position, Settings, ShardId, StreamError};

use crate::harness::{ALL, DAY, FIRST, Harness, id, settings};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn expired_records_are_gone_at_once_and_leave_the_store() {
    let harness = Harness::new(1).await;
    let rows = harness.rows().await;
    harness.put_one("a", "1").await;
    harness.advance(HOUR).await;
    harness.put_one("a", "2").await;
    harness.advance(DAY - HOUR - Duration::from_millis(1)).await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["1", "2"]);
    harness.advance(Duration::from_millis(1)).await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["2"]);
    harness.streams.trim().await;
    // One row of records, and the number that was trimmed.
    assert_eq!(harness.rows().await, rows + 2);
    assert_eq!(harness.restart().data(FIRST, Position::TrimHorizon).await, ["2"]);
}

#[tokio::test]
async fn a_longer_retention_brings_nothing_back() {
    let harness = Harness::new(1).await;
    harness.put_one("a", "1").await;
    harness.advance(DAY).await;
    harness.put_one("a", "2").await;
    let longer = Settings { retention: 7 * DAY, ..settings() };
    harness.commit(harness.stream.prepare_retention()).await;
    harness.streams.open(id(), longer.clone());
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["2"]);
    harness.advance(DAY).await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["2"]);
    // Nor after a restart.
    let harness = harness.restart_with(longer);
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["2"]);
    // A shorter one counts at once.
    harness.streams.open(id(), Settings { retention: HOUR, ..settings() });
    assert!(harness.data(FIRST, Position::TrimHorizon).await.is_empty());
}

#[tokio::test]
async fn a_closed_shard_goes_with_its_last_record() {
    let harness = Harness::new(1).await;
    harness.put_one("a", "1").await;
    harness.advance(HOUR).await;
    harness.stream.split(FIRST, 1 << 127).await.unwrap();
    harness.advance(DAY - HOUR).await;
    assert_eq!(harness.stream.shards().await.unwrap().len(), 3);
    let read = harness.stream.read(FIRST, Position::TrimHorizon, ALL).await.unwrap();
    assert!(read.is_end && read.records.is_empty());
    harness.advance(HOUR).await;
    let is_gone = |error| matches!(error, StreamError::NoShard);
    assert!(harness.stream.read(FIRST, Position::TrimHorizon, ALL).await.is_err_and(is_gone));
    assert_eq!(harness.stream.shards().await.unwrap().len(), 2);
    harness.streams.trim().await;
    assert_eq!(harness.rows().await, 2);
    let harness = harness.restart();
    assert_eq!(harness.stream.shards().await.unwrap().len(), 2);
    // Its number is not given again.
    harness.stream.split(ShardId(1), 1).await.unwrap();
    let ids: Vec<u32> = harness.stream.shards().await.unwrap().iter().map(|shard| shard.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_great_many_expired_rows_go_in_several_commits() {
    let harness = Harness::new(1).await;
    for _ in 0..200 {
        harness.put_one("a", "x").await;
    }
    let last = harness.put_one("a", "last").await;
    harness.advance(DAY).await;
    harness.streams.trim().await;
    assert_eq!(harness.rows().await, 2);
    assert!(harness.clock.now() > last.sequence_number.arrived());
}
