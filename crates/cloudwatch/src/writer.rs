//! The only place that writes metrics: one transaction after the other, each merging values into rows.

use std::collections::HashMap;

use clock::Timestamp;
use store::{Mutation, SharedStore, Snapshot, TableError, Transaction};
use tokio::sync::{Mutex, MutexGuard};

use crate::batch::{Batch, Change};
use crate::metric::SeriesId;
use crate::tables::{METRICS, MetricRow, POINTS, PointKey, metric_of, metric_parts};

/// Metrics that are kept at most, all accounts together. Their ids are held in memory, about 50 bytes each.
pub(crate) const METRICS_MAX: usize = 100_000;

/// A transaction is closed once it is as large as this; a single row is far smaller than what is left of 8 MiB.
const TRANSACTION_BYTES: usize = 2 << 20;

/// How far a metric's row may stay behind its newest value: rewriting it each minute would double the writes.
const NEWEST_LAG_S: i64 = 10 * 60;

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// Writes values and knows which metrics there are.
#[derive(Debug)]
pub(crate) struct Writer {
    store: SharedStore,
    turn: Mutex<Option<Known>>,
}

/// Whose turn it is to write.
pub(crate) type Turn<'a> = MutexGuard<'a, Option<Known>>;

/// All metrics that have a row, with the time of the newest value in it.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<SeriesId, i64>);

impl Known {
    /// How many metrics of `batch` there would be more.
    pub(crate) fn count_new(&self, batch: &Batch) -> usize {
        let mut new: Vec<SeriesId> =
            batch.points.keys().map(|key| key.series).filter(|id| !self.0.contains_key(id)).collect();
        new.sort_unstable();
        new.dedup();
        new.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn forget(&mut self, series: &SeriesId) {
        self.0.remove(series);
    }

    /// Drops values of metrics for which there is no room. Returns how many values that are.
    pub(crate) fn drop_excess(&self, batch: &mut Batch) -> f64 {
        if self.len() + self.count_new(batch) <= METRICS_MAX {
            return 0.0;
        }
        let mut room = METRICS_MAX.saturating_sub(self.len());
        let mut admitted = HashMap::new();
        let mut dropped = 0.0;
        batch.points.retain(|key, change| {
            let kept = self.0.contains_key(&key.series)
                || *admitted.entry(key.series).or_insert_with(|| {
                    let fits = room > 0;
                    room = room.saturating_sub(1);
                    fits
                });
            if !kept {
                dropped += change.summary.count;
            }
            kept
        });
        dropped
    }
}

impl Writer {
    pub(crate) fn new(store: SharedStore) -> Self {
        Self { store, turn: Mutex::default() }
    }

    /// Waits until nobody else writes.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        self.turn.lock().await
    }

    /// The metrics that there are; they are looked up the first time.
    pub(crate) async fn known<'a>(&self, turn: &'a mut Turn<'_>) -> Result<&'a mut Known, TableError> {
        if turn.is_none() {
            **turn = Some(self.load().await?);
        }
        Ok(turn.get_or_insert_default())
    }

    async fn load(&self) -> Result<Known, TableError> {
        let snapshot = self.store.snapshot().await?;
        let mut known = Known::default();
        let mut after = None;
        loop {
            let rows = METRICS.list(&*snapshot, &[], after.as_deref(), PAGE).await?;
            let full = rows.len() == PAGE;
            after = rows.last().map(|row| row.key.clone());
            for row in rows {
                let (id, _) = metric_of(&row.key, &row.record)?;
                known.0.insert(id, row.record.newest.as_secs());
            }
            if !full {
                return Ok(known);
            }
        }
    }

    /// Writes all of `batch`, which is then empty. After an error what is left in it has not been written (or
    /// perhaps has, where the store cannot tell).
    pub(crate) async fn write(&self, known: &mut Known, batch: &mut Batch) -> Result<(), TableError> {
        while !batch.points.is_empty() {
            let snapshot = self.store.snapshot().await?;
            let mut slice = Slice::default();
            for (key, change) in &batch.points {
                slice.add(&*snapshot, known, *key, change).await?;
                if slice.bytes > TRANSACTION_BYTES {
                    break;
                }
            }
            let Slice { transaction, points, metrics, .. } = slice;
            self.store.commit(transaction).await?;
            known.0.extend(metrics);
            for key in points {
                batch.points.remove(&key);
            }
        }
        Ok(())
    }
}

/// A transaction in the making.
#[derive(Default)]
struct Slice {
    transaction: Transaction,
    bytes: usize,
    points: Vec<PointKey>,
    metrics: HashMap<SeriesId, i64>,
}

impl Slice {
    async fn add(
        &mut self,
        snapshot: &dyn Snapshot,
        known: &Known,
        key: PointKey,
        change: &Change,
    ) -> Result<(), TableError> {
        let begun = self.transaction.mutations.len();
        // The metric's row comes with the first point: whatever tidies up finds points by the metrics.
        let newest = self.metrics.get(&key.series).or_else(|| known.0.get(&key.series));
        if newest.is_none_or(|newest| key.start_s >= newest + NEWEST_LAG_S) {
            let newest = Timestamp::from_millis(key.start_s.saturating_mul(1_000));
            let row = MetricRow { dimensions: change.metric.dimensions.clone(), newest };
            METRICS.put(&mut self.transaction, &metric_parts(&change.metric, &key.series), &row)?;
            self.metrics.insert(key.series, key.start_s);
        }
        let stored = match change.replaces {
            true => None,
            false => POINTS.get(snapshot, &key.parts()).await?,
        };
        match stored {
            Some(mut row) => {
                row.record.merge(&change.summary);
                POINTS.put(&mut self.transaction, &key.parts(), &row.record)?;
            }
            None => POINTS.put(&mut self.transaction, &key.parts(), &change.summary)?,
        }
        self.points.push(key);
        self.bytes += self.transaction.mutations[begun..].iter().map(size_bytes).sum::<usize>();
        Ok(())
    }
}

fn size_bytes(mutation: &Mutation) -> usize {
    match mutation {
        Mutation::Put(key, value) => key.len() + value.len(),
        Mutation::Delete(key) | Mutation::Add(key, _) => key.len(),
        Mutation::DeleteRange(from, to) => from.len() + to.len(),
    }
}

#[cfg(test)]
mod tests;
