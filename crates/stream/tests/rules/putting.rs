use std::time::Duration;

use clock::Clock;
use store::{Bytes, Store};
use stream::{NewRecord, Position, PutFailure, SequenceNumber, ShardId};

use crate::harness::{FIRST, Harness, record, settle};

#[tokio::test]
async fn records_go_by_the_md5_of_their_key_or_by_an_explicit_hash_key() {
    let harness = Harness::new(4).await;
    // md5("a") begins with 0x0c, md5("b") with 0x92, md5("c") with 0x4a, md5("d") with 0x82.
    for (key, shard) in [("a", 0), ("b", 2), ("c", 1), ("d", 2)] {
        assert_eq!(harness.put_one(key, "").await.shard, ShardId(shard), "{key}");
    }
    let shards = harness.stream.shards().await.unwrap();
    for shard in shards {
        for hash_key in [*shard.hash_keys.start(), *shard.hash_keys.end()] {
            let record = NewRecord { explicit_hash_key: Some(hash_key), ..record("a", "") };
            let put = harness.stream.put(vec![record]).await.unwrap().remove(0).unwrap();
            assert_eq!(put.shard, shard.id);
        }
    }
}

#[tokio::test]
async fn numbers_increase_while_the_clock_stands() {
    let harness = Harness::new(1).await;
    let first = harness.put_one("a", "1").await;
    let together = harness.stream.put(vec![record("a", "2"), record("a", "3")]).await.unwrap();
    let mut numbers = vec![first.sequence_number];
    numbers.extend(together.into_iter().map(|put| put.unwrap().sequence_number));
    assert!(numbers.is_sorted_by(|left, right| left < right));
    let records = harness.records(FIRST, Position::TrimHorizon).await;
    assert_eq!(records.iter().map(|record| record.sequence_number).collect::<Vec<_>>(), numbers);
    assert!(records.iter().all(|record| record.arrived == harness.clock.now()));
}

#[tokio::test]
async fn a_number_is_larger_than_the_one_given() {
    let harness = Harness::new(2).await;
    let far = (0..10).map(|_| record("b", "")).collect();
    let far = harness.stream.put(far).await.unwrap().pop().unwrap().unwrap();
    let after = NewRecord { larger_than: Some(far.sequence_number), ..record("a", "") };
    let after = harness.stream.put(vec![after]).await.unwrap().remove(0).unwrap();
    assert_ne!(after.shard, far.shard);
    assert!(after.sequence_number > far.sequence_number);
    assert_eq!(harness.records(after.shard, Position::TrimHorizon).await.len(), 1);
    // One that nobody can have been given takes nothing away from others.
    let forged = NewRecord { larger_than: Some(SequenceNumber(u128::MAX)), ..record("a", "") };
    assert_eq!(harness.stream.put(vec![forged]).await.unwrap(), [Err(PutFailure::Ordering)]);
    let next = harness.put_one("a", "").await;
    assert!(next.sequence_number.arrived() <= harness.clock.now() + Duration::from_millis(1));
}

#[tokio::test]
async fn many_records_are_one_commit_and_one_row() {
    let harness = Harness::new(1).await;
    let before = harness.rows().await;
    let version = |harness: &Harness| {
        let store = harness.store.clone();
        async move { store.commit(store::Transaction::new()).await.unwrap().0 }
    };
    let version_before = version(&harness).await;
    let records = (0..500).map(|index| record("a", &index.to_string())).collect();
    assert!(harness.stream.put(records).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(harness.rows().await - before, 1);
    assert_eq!(version(&harness).await - version_before, 1);
    let expected: Vec<_> = (0..500).map(|index| index.to_string()).collect();
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, expected);
}

#[tokio::test]
async fn a_record_may_be_as_large_as_ten_mebibytes() {
    let harness = Harness::new(1).await;
    for size in [65_000, 65_536, 1 << 20, 10 << 20] {
        let data = Bytes::from((0..size).map(|index| (index % 251) as u8).collect::<Vec<_>>());
        let large = NewRecord { data: data.clone(), ..record("a", "") };
        let put = harness.stream.put(vec![large]).await.unwrap().remove(0).unwrap();
        let from = Position::At(put.sequence_number);
        let read = harness.records(FIRST, from).await;
        assert!(read.len() == 1 && read[0].data == data, "{size}");
        harness.advance(Duration::from_secs(20)).await;
    }
    let harness = harness.restart();
    let read = harness.stream.read(FIRST, Position::TrimHorizon, crate::harness::ALL).await.unwrap();
    assert_eq!(
        read.records.iter().map(|record| record.data.len()).collect::<Vec<_>>(),
        [65_000, 65_536, 1 << 20]
    );
    let rest = harness.records(FIRST, read.next).await;
    assert_eq!(rest[0].data.len(), 10 << 20);
}

#[tokio::test]
async fn what_is_put_is_put_though_nobody_waits() {
    let harness = Harness::new(1).await;
    let mut put = Box::pin(harness.stream.put(vec![record("a", "x")]));
    assert!(futures_poll(&mut put));
    drop(put);
    settle().await;
    assert_eq!(harness.data(FIRST, Position::TrimHorizon).await, ["x"]);
}

/// Whether it waits.
fn futures_poll(future: &mut (impl Future + Unpin)) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context).is_pending()
}

#[tokio::test]
async fn a_stream_without_shards_takes_nothing() {
    let harness = Harness::new(0).await;
    assert!(matches!(harness.stream.put(vec![record("a", "")]).await, Err(stream::StreamError::NoShard)));
    assert_eq!(harness.stream.put(vec![]).await.unwrap(), Vec::<Result<_, PutFailure>>::new());
}
