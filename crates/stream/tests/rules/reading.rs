use std::time::Duration;

use clock::Clock;
use stream::{Position, ReadLimits, ShardId, StreamError};

use crate::harness::{ALL, FIRST, Harness, START, settle, soon, text};

async fn five(harness: &Harness) -> Vec<stream::Put> {
    let mut puts = Vec::new();
    for data in ["1", "2", "3", "4", "5"] {
        puts.push(harness.put_one("a", data).await);
        harness.advance(Duration::from_secs(1)).await;
    }
    puts
}

#[tokio::test]
async fn every_position_begins_where_it_says() {
    let harness = Harness::new(1).await;
    let puts = five(&harness).await;
    // From memory, then from the store.
    let harness = {
        check_positions(&harness, &puts).await;
        harness.restart()
    };
    check_positions(&harness, &puts).await;
}

async fn check_positions(harness: &Harness, puts: &[stream::Put]) {
    let number = puts[2].sequence_number;
    for (position, expected) in [
        (Position::TrimHorizon, "12345"),
        (Position::Latest, ""),
        (Position::At(number), "345"),
        (Position::After(number), "45"),
        (Position::AtTimestamp(START), "12345"),
        (Position::AtTimestamp(START + Duration::from_secs(2)), "345"),
        (Position::AtTimestamp(START + Duration::from_micros(2_000_001)), "45"),
        (Position::AtTimestamp(START + Duration::from_secs(9)), ""),
    ] {
        assert_eq!(harness.data(FIRST, position).await.concat(), expected, "{position:?}");
        let resolved = harness.stream.resolve(FIRST, position).await.unwrap();
        assert_eq!(harness.data(FIRST, resolved).await.concat(), expected, "{resolved:?}");
    }
}

#[tokio::test]
async fn the_latest_position_sees_exactly_what_comes_afterwards() {
    let harness = Harness::new(1).await;
    let at_first = harness.stream.resolve(FIRST, Position::Latest).await.unwrap();
    harness.put_one("a", "1").await;
    let then = harness.stream.resolve(FIRST, Position::Latest).await.unwrap();
    harness.put_one("a", "2").await;
    assert_eq!(harness.data(FIRST, at_first).await, ["1", "2"]);
    assert_eq!(harness.data(FIRST, then).await, ["2"]);
    let read = harness.stream.read(FIRST, Position::Latest, ALL).await.unwrap();
    harness.put_one("a", "3").await;
    assert_eq!(harness.data(FIRST, read.next).await, ["3"]);
}

#[tokio::test]
async fn reads_keep_to_their_limits_and_say_how_far_behind_they_are() {
    let harness = Harness::new(1).await;
    five(&harness).await;
    let harness = harness.restart();
    harness.put_one("a", "6").await;
    let mut position = Position::TrimHorizon;
    let mut seen = Vec::new();
    // The records arrived at 0, 1, 2, 3, 4 and 5 s; it is 5 s.
    for (limits, behind) in [
        (ReadLimits { records: 2, bytes: 100 }, 3),
        (ReadLimits { records: 9, bytes: 1 }, 2),
        // At least one, however large.
        (ReadLimits { records: 0, bytes: 0 }, 1),
        (ReadLimits { records: 1, bytes: 100 }, 0),
        (ReadLimits { records: 9, bytes: 100 }, 0),
    ] {
        let read = harness.stream.read(FIRST, position, limits).await.unwrap();
        assert_eq!(read.behind, Duration::from_secs(behind));
        seen.push(read.records.iter().map(|record| text(&record.data)).collect::<String>());
        position = read.next;
    }
    assert_eq!(seen, ["12", "3", "4", "5", "6"]);
    assert!(!harness.stream.read(FIRST, position, ALL).await.unwrap().is_end);
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_the_record_and_holds_time() {
    let harness = Harness::new(2).await;
    let reader = harness.stream.clone();
    let waiting = harness
        .tasks
        .spawn("reader", async move { reader.read_held(FIRST, Position::Latest, ALL).await.unwrap() });
    settle().await;
    // Nothing is due, so nothing holds time.
    harness.advance(Duration::from_secs(1)).await;
    harness.put_one("b", "for another shard").await;
    settle().await;
    assert!(!waiting.is_finished());
    harness.put_one("a", "1").await;
    let (read, hold) = soon(waiting).await;
    assert_eq!(text(&read.records[0].data), "1");
    let mut advance = Box::pin(harness.advance(Duration::from_secs(1)));
    let is_held = tokio::select! { biased; () = &mut advance => false, () = settle() => true };
    assert!(is_held);
    assert_eq!(harness.clock.now(), START + Duration::from_secs(1));
    drop(hold);
    advance.await;
}

#[tokio::test]
async fn a_reader_that_goes_away_is_forgotten_and_takes_nothing_along() {
    let harness = Harness::new(1).await;
    let from = harness.stream.resolve(FIRST, Position::Latest).await.unwrap();
    for _ in 0..3 {
        let read = harness.stream.read_held(FIRST, from, ALL);
        tokio::select! { biased; _ = read => panic!("there is nothing"), () = settle() => {} }
    }
    harness.put_one("a", "1").await;
    let (read, _hold) = harness.stream.read_held(FIRST, from, ALL).await.unwrap();
    assert_eq!(read.records.len(), 1);
}

#[tokio::test]
async fn a_shard_that_is_not_there_cannot_be_read() {
    let harness = Harness::new(1).await;
    let read = harness.stream.read(ShardId(1), Position::TrimHorizon, ALL).await;
    assert!(matches!(read, Err(StreamError::NoShard)));
    assert!(matches!(harness.stream.resolve(ShardId(9), Position::Latest).await, Err(StreamError::NoShard)));
}

#[tokio::test]
async fn old_records_are_read_from_the_store_and_new_ones_from_memory_alike() {
    // Room for about three rows.
    let first = Harness::new(1).await;
    let harness = Harness::over(first.store.clone(), first.clock.clone(), 600);
    let expected: Vec<String> = (0..200).map(|index| format!("{index:03}")).collect();
    for data in &expected {
        harness.put_one("a", data).await;
    }
    for records in [1, 3, 64, 1_000] {
        let (mut position, mut seen) = (Position::TrimHorizon, Vec::new());
        loop {
            let read =
                harness.stream.read(FIRST, position, ReadLimits { records, bytes: 1 << 20 }).await.unwrap();
            if read.records.is_empty() {
                break;
            }
            seen.extend(read.records.iter().map(|record| text(&record.data)));
            position = read.next;
        }
        assert_eq!(seen, expected);
    }
}
