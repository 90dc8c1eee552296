use std::sync::Mutex;

use clock::{Clock, Timestamp, VirtualClock};
use ids::{AccountId, Region};
use store::MemoryStore;

use super::*;
use crate::batch::{Batch, Series};
use crate::exposition::Exposition;
use crate::metric::Metric;
use crate::reader::{Window, read};
use crate::recorder::Recorder;
use crate::writer::Writer;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

struct World {
    clock: Arc<VirtualClock>,
    inner: Inner,
    series: Series,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let store = Arc::new(MemoryStore::new());
        let inner = Inner {
            store: Arc::clone(&store) as _,
            clock: Arc::clone(&clock) as _,
            writer: Writer::new(store),
            recorder: Recorder::new(),
            exposition: Exposition::default(),
            unwritten: Mutex::default(),
            watched: Mutex::default(),
        };
        let account = AccountId::parse("000000000000").expect("parses");
        let region = Region::parse("us-east-1").expect("parses");
        Self { clock, inner, series: Series::new(Metric::new(&account, &region, "N", "m", Vec::new())) }
    }

    fn now_s(&self) -> i64 {
        self.clock.now().as_secs()
    }

    /// Puts the values 1 and 2 into `count` periods from `start_s` on.
    async fn put(&self, resolution_s: i64, start_s: i64, count: i64) {
        let mut batch = Batch::default();
        let mut summary = Summary::of(1.0);
        summary.add(2.0, 1.0);
        for index in 0..count {
            let start_s = floor(start_s, resolution_s) + index * resolution_s;
            batch.add(&self.series, "Count", resolution_s, start_s, &summary);
        }
        self.inner.put(batch).await.expect("is written");
    }

    async fn advance(&self, seconds: i64) {
        self.clock.advance_to(Timestamp::from_millis((self.now_s() + seconds) * 1_000)).await;
    }

    async fn points(&self) -> Vec<PointKey> {
        let snapshot = self.inner.store.snapshot().await.expect("reads");
        let rows = POINTS.list(&*snapshot, &[], None, usize::MAX).await.expect("reads");
        rows.iter().map(|row| PointKey::of(&row.key).expect("is a key")).collect()
    }

    /// Counts and sums of periods of this length over all of the past.
    async fn read(&self, period_s: i64) -> (f64, f64) {
        let now_s = self.now_s();
        let window =
            Window { start_s: floor(now_s - KEPT_S - DAY_S, HOUR_S), end_s: now_s + HOUR_S, period_s, now_s };
        let snapshot = self.inner.store.snapshot().await.expect("reads");
        let units = read(&*snapshot, &self.series.id, &window, true).await.expect("reads");
        let summaries = units.values().flat_map(std::collections::BTreeMap::values);
        summaries.fold((0.0, 0.0), |(count, sum), summary| (count + summary.count, sum + summary.sum))
    }
}

#[tokio::test]
async fn values_are_put_together_as_they_age_and_none_is_lost() {
    let world = World::new();
    world.put(1, world.now_s() - 900, 900).await;
    world.put(60, world.now_s() - 900, 15).await;
    let all = (1_830.0, 2_745.0);
    assert_eq!(world.read(1).await, (1_800.0, 2_700.0));
    assert_eq!(world.read(60).await, all);

    // What readers see does not depend on whether the work has been done.
    for (later_s, finest_s, hidden_s) in
        [(4 * HOUR_S, 60, 1), (16 * DAY_S, 300, 60), (48 * DAY_S, 3_600, 300)]
    {
        world.advance(later_s).await;
        let before = (world.read(hidden_s).await, world.read(finest_s).await);
        assert_eq!(before, ((0.0, 0.0), all), "before the work of {finest_s}");
        age(&world.inner).await.expect("can be done");
        assert_eq!((world.read(hidden_s).await, world.read(finest_s).await), before);
        assert!(world.points().await.iter().all(|key| key.resolution_s == finest_s), "at {finest_s}");
    }
    assert!(world.points().await.len() <= 2);
}

#[tokio::test]
async fn after_fifteen_months_nothing_is_left() {
    let world = World::new();
    world.put(60, world.now_s(), 3).await;
    world.advance(KEPT_S - DAY_S).await;
    age(&world.inner).await.expect("can be done");
    assert_eq!(world.read(HOUR_S).await, (6.0, 9.0));

    world.advance(2 * DAY_S).await;
    assert_eq!(world.read(HOUR_S).await, (0.0, 0.0));
    age(&world.inner).await.expect("can be done");
    let snapshot = world.inner.store.snapshot().await.expect("reads");
    let rest = snapshot.range(&[], &store::prefix_end(&[]), usize::MAX, false).await.expect("reads");
    assert_eq!(rest, []);
    let mut turn = world.inner.writer.turn().await;
    assert_eq!(world.inner.writer.known(&mut turn).await.expect("reads").len(), 0);
}
