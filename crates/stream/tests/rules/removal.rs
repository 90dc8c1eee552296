use stream::{Position, StreamError};

use crate::harness::{ALL, FIRST, Harness, id, record, settings, settle, soon};

#[tokio::test]
async fn a_removed_stream_is_gone_at_once_and_its_rows_in_the_background() {
    let harness = Harness::new(2).await;
    for _ in 0..100 {
        harness.put_one("a", "x").await;
    }
    let reader = harness.stream.clone();
    let waiting =
        harness.tasks.spawn("reader", async move { reader.read_held(FIRST, Position::Latest, ALL).await });
    let known = harness.stream.shards().await.unwrap();
    let other = harness.stream.clone();
    let resharded = harness.tasks.spawn("other", async move { other.resharded(&known).await.map(drop) });
    settle().await;
    harness.commit(harness.stream.prepare_remove()).await;
    let is_removed = |error| matches!(error, StreamError::Removed);
    assert!(harness.stream.put(vec![record("a", "y")]).await.is_err_and(is_removed));
    assert!(harness.stream.shards().await.is_err_and(is_removed));
    assert!(soon(waiting).await.is_err_and(is_removed));
    assert!(soon(resharded).await.is_err_and(is_removed));
    assert!(harness.streams.get(&id()).is_none());
    settle().await;
    assert_eq!(harness.rows().await, 0);
}

#[tokio::test]
async fn a_removal_goes_on_after_a_restart() {
    let harness = Harness::new(2).await;
    harness.put_one("a", "x").await;
    let mut removal = harness.stream.prepare_remove();
    let mark = std::mem::take(&mut removal.part);
    store::Store::commit(&*harness.store, mark).await.unwrap();
    // It ends before it could say so.
    drop(removal);
    let harness = harness.restart();
    settle().await;
    assert_eq!(harness.rows().await, 0);
    let stream = harness.streams.open(id(), settings());
    assert!(stream.shards().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_removal_of_unknown_outcome_is_looked_up() {
    let harness = Harness::new(1).await;
    let mut removal = harness.stream.prepare_remove();
    let mark = std::mem::take(&mut removal.part);
    store::Store::commit(&*harness.store, mark).await.unwrap();
    removal.settle(targets::Settled::Unknown);
    assert!(matches!(harness.stream.shards().await, Err(StreamError::Removed)));
}
