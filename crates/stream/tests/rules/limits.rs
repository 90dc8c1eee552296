use std::time::Duration;

use store::Bytes;
use stream::{NewRecord, Position, PutFailure};

use crate::harness::{FIRST, Harness, record};

#[tokio::test]
async fn a_shard_takes_a_thousand_records_in_a_second() {
    let harness = Harness::new(2).await;
    let mut results = Vec::new();
    for _ in 0..4 {
        results.extend(harness.stream.put((0..500).map(|_| record("a", "x")).collect()).await.unwrap());
    }
    assert!(results[..1_000].iter().all(Result::is_ok));
    assert!(results.contains(&Err(PutFailure::Throttled(FIRST))));
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(harness.records(FIRST, Position::TrimHorizon).await.len(), accepted);
    // Another shard has its own limit, and the next second has another one.
    assert_eq!(harness.put_one("b", "x").await.shard.0, 1);
    harness.advance(Duration::from_secs(1)).await;
    let again = harness.stream.put((0..500).map(|_| record("a", "x")).collect()).await.unwrap();
    assert!(again.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_shard_takes_a_mebibyte_in_a_second_keys_included() {
    let harness = Harness::new(1).await;
    let half = || NewRecord { data: Bytes::from(vec![0; (1 << 19) - 1]), ..record("a", "") };
    let puts = harness.stream.put(vec![half(), half(), half()]).await.unwrap();
    assert!(puts[0].is_ok() && puts[1].is_ok());
    assert_eq!(puts[2], Err(PutFailure::Throttled(FIRST)));
}
