use std::time::Duration;

use stream::{NewRecord, Position, ShardId, StreamError};

use crate::harness::{ALL, DAY, FIRST, Harness, record, settle, soon};

const HALF: u128 = 1 << 127;

#[tokio::test]
async fn shards_divide_the_hash_keys_evenly() {
    for count in [1_u32, 2, 3, 4, 7, 1_000] {
        let shards = Harness::new(count).await.stream.shards().await.unwrap();
        assert_eq!(shards.len(), count as usize);
        assert_eq!((*shards[0].hash_keys.start(), *shards[shards.len() - 1].hash_keys.end()), (0, u128::MAX));
        for pair in shards.windows(2) {
            assert_eq!(pair[0].hash_keys.end() + 1, *pair[1].hash_keys.start());
            assert_eq!(pair[0].id.0 + 1, pair[1].id.0);
        }
    }
    let shards = Harness::new(3).await.stream.shards().await.unwrap();
    // As the API shows them for three shards.
    assert_eq!(*shards[1].hash_keys.start(), 113_427_455_640_312_821_154_458_202_477_256_070_485);
    let quarter = Harness::new(4).await.stream.shards().await.unwrap();
    assert_eq!(*quarter[1].hash_keys.start(), 1 << 126);
}

#[tokio::test]
async fn ten_thousand_shards_are_one_commit() {
    let harness = Harness::new(10_000).await;
    assert_eq!(harness.stream.shards().await.unwrap().len(), 10_000);
    harness.put_one("a", "1").await;
}

#[tokio::test]
async fn a_split_shard_ends_and_its_children_go_on() {
    let harness = Harness::new(1).await;
    harness.put_one("a", "1").await;
    let last = harness.put_one("b", "2").await;
    harness.stream.split(FIRST, HALF).await.unwrap();
    let shards = harness.stream.shards().await.unwrap();
    let [parent, lower, upper] = &shards[..] else { panic!("{shards:?}") };
    assert!(parent.closed.unwrap().0 > last.sequence_number);
    for child in [lower, upper] {
        assert_eq!((child.parent, child.adjacent_parent), (Some(FIRST), None));
        assert!(child.starting > parent.closed.unwrap().0);
    }
    assert_eq!((lower.hash_keys.clone(), upper.hash_keys.clone()), (0..=HALF - 1, HALF..=u128::MAX));
    assert_eq!(harness.put_one("a", "3").await.shard, lower.id);
    let put = harness.put_one("b", "4").await;
    assert_eq!(put.shard, upper.id);
    assert!(put.sequence_number > upper.starting);
    let read = harness.stream.read(FIRST, Position::TrimHorizon, ALL).await.unwrap();
    assert!(read.is_end && read.records.len() == 2);
    let again = harness.stream.read(FIRST, read.next, ALL).await.unwrap();
    assert!(again.is_end && again.records.is_empty());
    let shards_now = harness.stream.shards().await.unwrap();
    assert_eq!(harness.restart().stream.shards().await.unwrap(), shards_now);
}

#[tokio::test]
async fn neighbours_are_merged() {
    let harness = Harness::new(3).await;
    harness.put_one("a", "1").await;
    for (shard, adjacent) in [(0, 2), (2, 0), (1, 1)] {
        let merged = harness.stream.merge(ShardId(shard), ShardId(adjacent)).await;
        assert!(matches!(merged, Err(StreamError::HashKey)), "{shard} {adjacent}");
    }
    harness.stream.merge(ShardId(1), ShardId(0)).await.unwrap();
    let shards = harness.stream.shards().await.unwrap();
    let merged = &shards[3];
    assert_eq!((merged.parent, merged.adjacent_parent), (Some(ShardId(1)), Some(FIRST)));
    assert_eq!(merged.hash_keys, 0..=*shards[1].hash_keys.end());
    assert_eq!(harness.put_one("a", "2").await.shard, merged.id);
    assert!(matches!(harness.stream.merge(FIRST, ShardId(2)).await, Err(StreamError::Closed)));
    assert!(matches!(harness.stream.merge(FIRST, ShardId(9)).await, Err(StreamError::NoShard)));
}

#[tokio::test]
async fn a_key_that_does_not_divide_the_shard_is_refused() {
    let harness = Harness::new(2).await;
    for (shard, key) in [(0, 0), (0, HALF), (1, HALF), (1, 0)] {
        assert!(matches!(harness.stream.split(ShardId(shard), key).await, Err(StreamError::HashKey)));
    }
    assert!(matches!(harness.stream.split(ShardId(7), 1).await, Err(StreamError::NoShard)));
    harness.stream.split(FIRST, 1).await.unwrap();
    harness.stream.split(ShardId(1), u128::MAX).await.unwrap();
    assert!(matches!(harness.stream.split(FIRST, 2).await, Err(StreamError::Closed)));
    let last = NewRecord { explicit_hash_key: Some(u128::MAX), ..record("a", "") };
    assert_eq!(harness.stream.put(vec![last]).await.unwrap().remove(0).unwrap().shard, ShardId(5));
}

#[tokio::test]
async fn a_reader_that_waits_hears_of_the_end() {
    let harness = Harness::new(1).await;
    let reader = harness.stream.clone();
    let waiting = harness
        .tasks
        .spawn("reader", async move { reader.read_held(FIRST, Position::TrimHorizon, ALL).await.unwrap().0 });
    settle().await;
    harness.stream.split(FIRST, HALF).await.unwrap();
    let read = soon(waiting).await;
    assert!(read.is_end && read.records.is_empty());
}

#[tokio::test]
async fn whoever_waits_for_other_shards_hears_of_a_split_and_of_the_end_of_the_parent() {
    let harness = Harness::new(1).await;
    let known = harness.stream.shards().await.unwrap();
    let stream = harness.stream.clone();
    let waiting = harness.tasks.spawn("waiting", async move { stream.resharded(&known).await.map(drop) });
    settle().await;
    harness.stream.split(FIRST, HALF).await.unwrap();
    soon(waiting).await.unwrap();
    let known = harness.stream.shards().await.unwrap();
    assert_eq!(known.len(), 3);
    let stream = harness.stream.clone();
    let waiting = harness.tasks.spawn("waiting", async move { stream.resharded(&known).await.map(drop) });
    settle().await;
    harness.advance(DAY - Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    harness.advance(Duration::from_secs(1)).await;
    soon(waiting).await.unwrap();
    assert_eq!(harness.stream.shards().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_split_of_unknown_outcome_is_looked_up() {
    for (applied, expected) in [(store::Applied::Yes, 3), (store::Applied::No, 1)] {
        let harness = Harness::new(1).await;
        harness.put_one("a", "1").await;
        harness.store.fail_next_commit(crate::harness::unknown(), applied);
        assert!(matches!(harness.stream.split(FIRST, HALF).await, Err(StreamError::Store(_))));
        assert_eq!(harness.stream.shards().await.unwrap().len(), expected);
        assert_eq!(harness.put_one("a", "2").await.shard.0 > 0, expected == 3);
    }
}
