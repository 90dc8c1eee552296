//! What is acknowledged is on disk, and what cannot be written is not forgotten.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ids::{AccountId, Region};
use store::{CommitError, EmbeddedStore, Snapshot, Store, StoreError, Transaction, Version};
use targets::{MetricSource, RecordMetrics, Unit};

use super::*;

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let values = [0.1, 0.2, 17.5];
    let world = World::over(Arc::new(EmbeddedStore::open(folder.path()).unwrap()));
    world.put_values(MINUTE, &values).await;
    let before = (world.minutes().await, percentiles(&world).await);
    assert_eq!((before.0.len(), before.1.len()), (1, 1));
    world.stop().await;

    let world = World::over(Arc::new(EmbeddedStore::open(folder.path()).unwrap()));
    assert_eq!((world.minutes().await, percentiles(&world).await), before);
    assert_eq!(world.listed().await, ["N m"]);
    world.put_values(MINUTE, &values).await;
    assert_eq!(world.minutes().await[0].sample_count, Some(6.0));
    assert_eq!(world.listed().await, ["N m"]);
}

async fn percentiles(world: &World) -> Vec<Datapoint> {
    let query = GetMetricStatisticsInput {
        statistics: None,
        extended_statistics: Some(vec!["p50".to_owned(), "tm90".to_owned()]),
        ..world.last_hour()
    };
    world.statistics(query).await.unwrap()
}

/// A store that refuses while it is told to.
#[derive(Debug)]
struct Refusing {
    inner: MemoryStore,
    refuses: AtomicBool,
}

#[async_trait]
impl Store for Refusing {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.inner.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(CommitError::Unavailable("the disk is full".to_owned()));
        }
        self.inner.commit(transaction).await
    }
}

#[tokio::test]
async fn while_the_store_refuses_nothing_is_acknowledged_and_nothing_recorded_is_lost() {
    let store = Arc::new(Refusing { inner: MemoryStore::new(), refuses: AtomicBool::new(true) });
    let world = World::over(Arc::clone(&store) as _);
    let answer = world.put(value_of("m", 1.0)).await;
    refused(answer, "InternalServiceError", "The service cannot complete the request.");

    let source = Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "N",
        dimensions: vec![vec![]],
    });
    for _ in 0..3 {
        world.cloudwatch.record(&source, world.now(), &[("m", Unit::None, 2.0)]);
        world.cloudwatch.flush().await;
    }
    assert_eq!(world.minutes().await, []);

    store.refuses.store(false, Ordering::Relaxed);
    let minutes = world.minutes().await;
    assert_eq!((minutes[0].sample_count, minutes[0].sum), (Some(3.0), Some(6.0)));
}
