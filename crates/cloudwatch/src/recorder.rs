//! Takes values over on the way of every invocation and message: an addition in memory, no more.
//!
//! A source is found by the address of its `Arc`, which is kept as long as the entry is, so that no other source can
//! have the same. What it needs (its metrics, their ids) is made at its first value; after that nothing is allocated.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Timestamp;
use targets::{MetricSource, Unit};
use tokio::sync::Notify;

use crate::batch::{Batch, Series};
use crate::exposition::{Exposition, Total};
use crate::metric::{Metric, unit_name};
use crate::resolution::floor;
use crate::summary::Summary;

/// So many threads can record at once without waiting for each other, as a rule.
const SHARDS: usize = 64;

/// Sources of a shard at most; values of others are dropped and counted. 65,536 in all.
const SOURCES_MAX: usize = 1_024;

/// Minutes of one metric that may wait for the next flush besides the current one: of what takes long.
const LATE_MAX: usize = 16;

/// A source that is silent for so many flushes is forgotten until its next value.
const SILENT_MAX: u32 = 300;

/// Adds up values until they are drained.
#[derive(Debug)]
pub(crate) struct Recorder {
    shards: [Mutex<Shard>; SHARDS],
    /// Told whenever there is something to drain.
    pub(crate) waiting: Notify,
    dropped: AtomicU64,
}

type Shard = HashMap<usize, Source>;

#[derive(Debug)]
struct Source {
    source: Arc<MetricSource>,
    cells: Vec<Cell>,
    silent: u32,
}

/// The values of one metric name.
#[derive(Debug)]
struct Cell {
    name: &'static str,
    unit: Unit,
    /// One for each set of the source's dimensions.
    series: Vec<Series>,
    total: Option<Arc<Total>>,
    minute_s: i64,
    summary: Summary,
    /// Other minutes.
    late: Vec<(i64, Summary)>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            waiting: Notify::new(),
            dropped: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(
        &self,
        exposition: &Exposition,
        source: &Arc<MetricSource>,
        at: Timestamp,
        values: &[(&'static str, Unit, f64)],
    ) {
        let address = Arc::as_ptr(source).addr();
        let mut shard = lock(&self.shards[shard_of(address)]);
        if !shard.contains_key(&address) {
            if shard.len() >= SOURCES_MAX {
                self.drop_values(values.len() as u64);
                return;
            }
            let source = Source { source: Arc::clone(source), cells: Vec::new(), silent: 0 };
            shard.insert(address, source);
        }
        let Some(entry) = shard.get_mut(&address) else { return };
        entry.silent = 0;
        let minute_s = floor(at.as_secs(), 60);
        for (name, unit, value) in values {
            if !value.is_finite() || !entry.cell(name, *unit, exposition).add(minute_s, *value) {
                self.drop_values(1);
            }
        }
        drop(shard);
        self.waiting.notify_one();
    }

    /// Moves all values into `batch`.
    pub(crate) fn drain(&self, batch: &mut Batch) {
        for shard in &self.shards {
            lock(shard).retain(|_, source| source.drain(batch));
        }
    }

    /// Counts values that are lost.
    pub(crate) fn drop_values(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// Values that were lost because there was no room for them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// `Arc`s of one size lie in steps of it: the low bits say nothing.
const fn shard_of(address: usize) -> usize {
    ((address >> 5) ^ (address >> 11)) % SHARDS
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source {
    fn cell(&mut self, name: &'static str, unit: Unit, exposition: &Exposition) -> &mut Cell {
        // The same name is the same text in memory, as a rule.
        let same = |cell: &Cell| cell.unit == unit && (std::ptr::eq(cell.name, name) || cell.name == name);
        let at = self.cells.iter().position(same).unwrap_or_else(|| {
            self.cells.push(Cell {
                name,
                unit,
                series: Metric::of_source(&self.source, name).map(Series::new).collect(),
                total: exposition.total(&self.source, name, unit),
                minute_s: 0,
                summary: Summary::default(),
                late: Vec::new(),
            });
            self.cells.len() - 1
        });
        &mut self.cells[at]
    }

    /// Whether the source is still of use.
    fn drain(&mut self, batch: &mut Batch) -> bool {
        for cell in &mut self.cells {
            cell.drain(batch);
        }
        self.silent += 1;
        // With the last other owner gone, nobody can record under this address any more.
        Arc::strong_count(&self.source) > 1 && self.silent < SILENT_MAX
    }
}

impl Cell {
    /// Whether there was room for the value.
    fn add(&mut self, minute_s: i64, value: f64) -> bool {
        if self.summary.is_empty() {
            self.minute_s = minute_s;
        }
        if minute_s == self.minute_s {
            self.summary.add(value, 1.0);
            return true;
        }
        if let Some((_, summary)) = self.late.iter_mut().find(|(minute, _)| *minute == minute_s) {
            summary.add(value, 1.0);
            return true;
        }
        if self.late.len() >= LATE_MAX {
            return false;
        }
        self.late.push((minute_s, Summary::of(value)));
        true
    }

    fn drain(&mut self, batch: &mut Batch) {
        if self.summary.is_empty() {
            return;
        }
        let unit = unit_name(self.unit);
        let current = std::iter::once((self.minute_s, &self.summary));
        for (minute_s, summary) in current.chain(self.late.iter().map(|(minute_s, late)| (*minute_s, late))) {
            for series in &self.series {
                batch.add_minute(series, unit, minute_s, summary);
            }
            if let Some(total) = &self.total {
                total.add(minute_s, summary);
            }
        }
        self.summary.clear();
        self.late.clear();
    }
}

#[cfg(test)]
mod tests;
