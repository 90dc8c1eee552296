use std::time::Duration;

use clock::VirtualClock;
use store::{Applied, CommitError};
use stream::{Position, PutFailure};

use crate::harness::{ALL, FIRST, Harness, START, record, soon, unknown};

#[tokio::test]
async fn numbers_go_on_after_a_restart_with_a_clock_set_back() {
    let harness = Harness::new(1).await;
    harness.advance(Duration::from_secs(10)).await;
    let before = harness.put_one("a", "1").await;
    let clock = std::sync::Arc::new(VirtualClock::new(START));
    let harness = Harness::over(harness.store.clone(), clock, 1 << 20);
    let after = harness.put_one("a", "2").await;
    assert!(after.sequence_number > before.sequence_number);
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["1", "2"]);
}

#[tokio::test]
async fn what_was_not_committed_is_not_there() {
    let harness = Harness::new(1).await;
    harness.put_one("a", "1").await;
    harness.store.fail_next_commit(CommitError::Unavailable("no".to_owned()), Applied::No);
    let failed = harness.stream.put(vec![record("a", "2")]).await.unwrap();
    assert_eq!(failed, [Err(PutFailure::Internal)]);
    harness.put_one("a", "3").await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["1", "3"]);
}

#[tokio::test]
async fn the_store_says_what_became_of_a_commit_of_unknown_outcome() {
    for (applied, expected) in [(Applied::Yes, &["1", "2", "3"][..]), (Applied::No, &["1", "3"])] {
        let harness = Harness::new(1).await;
        let first = harness.put_one("a", "1").await;
        let reader = harness.stream.clone();
        let from = Position::After(first.sequence_number);
        let waiting =
            harness.tasks.spawn("reader", async move { reader.read_held(FIRST, from, ALL).await.unwrap().0 });
        crate::harness::settle().await;
        harness.store.fail_next_commit(unknown(), applied);
        let failed = harness.stream.put(vec![record("a", "2")]).await.unwrap();
        assert_eq!(failed, [Err(PutFailure::Internal)]);
        harness.put_one("a", "3").await;
        assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, expected);
        // A reader at the tip sees the same.
        let read = soon(waiting).await;
        let mut seen = read.records;
        seen.extend(harness.records(FIRST, read.next).await);
        assert_eq!(seen.len(), expected.len() - 1);
    }
}

#[tokio::test]
async fn a_large_record_of_which_only_parts_were_written_is_not_there() {
    let harness = Harness::new(1).await;
    let large = "x".repeat(3 << 20);
    harness.store.fail_next_commit(unknown(), Applied::Yes);
    let failed = harness.stream.put(vec![record("a", &large)]).await.unwrap();
    assert_eq!(failed, [Err(PutFailure::Internal)]);
    harness.advance(Duration::from_secs(5)).await;
    let put = harness.put_one("a", "2").await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["2"]);
    // The parts go with the records around them.
    harness.advance(2 * crate::harness::DAY).await;
    harness.streams.trim().await;
    assert!(harness.records(FIRST, Position::TrimHorizon).await.is_empty());
    // The shard, and the last number that was given.
    assert_eq!(harness.rows().await, 2);
    assert!(harness.restart().put_one("a", "3").await.sequence_number > put.sequence_number);
}

#[tokio::test]
async fn numbers_go_on_though_nothing_is_left_and_the_clock_is_set_back() {
    let harness = Harness::new(1).await;
    harness.advance(Duration::from_secs(10)).await;
    let before = harness.put_one("a", "1").await;
    harness.advance(crate::harness::DAY).await;
    harness.streams.trim().await;
    let clock = std::sync::Arc::new(VirtualClock::new(START));
    let harness = Harness::over(harness.store.clone(), clock, 1 << 20);
    assert!(harness.put_one("a", "2").await.sequence_number > before.sequence_number);
}
