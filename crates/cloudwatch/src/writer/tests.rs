use std::sync::Arc;

use ids::{AccountId, Region};
use store::{MemoryStore, Store};

use super::*;
use crate::batch::Series;
use crate::metric::Metric;
use crate::summary::Summary;

fn series(name: &str) -> Series {
    let account = AccountId::parse("000000000000").expect("parses");
    let region = Region::parse("us-east-1").expect("parses");
    Series::new(Metric::new(&account, &region, "N", name, Vec::new()))
}

fn batch(names: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for name in names {
        for minute in 0..3 {
            batch.add_minute(&series(name), "Count", minute * 60, &Summary::of(1.0));
        }
    }
    batch
}

/// Knows one metric by name, and as many others as are wanted.
fn known(name: &str, count: usize) -> Known {
    let mut known = Known::default();
    known.0.insert(series(name).id, 0);
    for number in 1..count {
        let mut id = [0xff; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        known.0.insert(SeriesId(id), 0);
    }
    known
}

#[test]
fn only_metrics_that_would_be_too_many_are_dropped() {
    let mut all = batch(&["known", "new", "newer"]);
    assert_eq!(known("known", METRICS_MAX - 2).count_new(&all), 2);
    assert_eq!(known("known", METRICS_MAX - 2).drop_excess(&mut all), 0.0);
    assert_eq!(known("known", METRICS_MAX - 1).drop_excess(&mut all), 3.0);
    assert_eq!(all.points.len(), 6);
    assert_eq!(known("known", METRICS_MAX).drop_excess(&mut all), 3.0);
    assert!(all.points.keys().all(|key| key.series == series("known").id));
    assert_eq!(all.points.len(), 3);
}

#[tokio::test]
async fn a_batch_that_no_transaction_holds_is_written_in_several() {
    let store = Arc::new(MemoryStore::new());
    let writer = Writer::new(Arc::clone(&store) as _);
    let mut wide = Summary::default();
    (0..400).for_each(|exponent| wide.add(1.3_f64.powi(exponent), 1.0));
    let mut batch = Batch::default();
    for minute in 0..1_500 {
        batch.add_minute(&series("m"), "Count", minute * 60, &wide);
    }
    let mut turn = writer.turn().await;
    let known = writer.known(&mut turn).await.expect("reads");
    writer.write(known, &mut batch).await.expect("is written");
    assert_eq!((batch.points.len(), known.len()), (0, 1));
    let snapshot = store.snapshot().await.expect("reads");
    let rows = POINTS.list(&*snapshot, &[], None, usize::MAX).await.expect("reads");
    assert_eq!(rows.len(), 1_500);
    assert!(rows.iter().all(|row| row.record == wide));
    assert!(rows.iter().any(|row| row.version != rows[0].version), "in one transaction");
}
