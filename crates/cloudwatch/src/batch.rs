//! Values on their way into the store.

use std::collections::HashMap;
use std::sync::Arc;

use crate::metric::{Metric, SeriesId};
use crate::resolution::TIERS;
use crate::summary::Summary;
use crate::tables::PointKey;

/// A metric whose id is known.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) id: SeriesId,
    pub(crate) metric: Arc<Metric>,
}

impl Series {
    pub(crate) fn new(metric: Metric) -> Self {
        Self { id: metric.id(), metric: Arc::new(metric) }
    }
}

/// What is to be written of a period.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) metric: Arc<Metric>,
    pub(crate) summary: Summary,
    /// A gauge shows one value for a minute: the latest. Everything else is added to what is there.
    pub(crate) replaces: bool,
}

/// Values, put together by period.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) points: HashMap<PointKey, Change>,
}

impl Batch {
    /// Adds values of the minute that begins at `minute_s`.
    pub(crate) fn add_minute(
        &mut self,
        series: &Series,
        unit: &'static str,
        minute_s: i64,
        summary: &Summary,
    ) {
        self.add(series, unit, TIERS[1].resolution_s, minute_s, summary);
    }

    /// Adds values of the period of `resolution_s` that begins at `start_s`.
    pub(crate) fn add(
        &mut self,
        series: &Series,
        unit: &'static str,
        resolution_s: i64,
        start_s: i64,
        summary: &Summary,
    ) {
        self.change(series, unit, resolution_s, start_s).summary.merge(summary);
    }

    /// Sets what a gauge shows in the minute that begins at `minute_s`.
    pub(crate) fn set(&mut self, series: &Series, unit: &'static str, minute_s: i64, value: f64) {
        let change = self.change(series, unit, TIERS[1].resolution_s, minute_s);
        change.summary = Summary::of(value);
        change.replaces = true;
    }

    fn change(
        &mut self,
        series: &Series,
        unit: &'static str,
        resolution_s: i64,
        start_s: i64,
    ) -> &mut Change {
        let key = PointKey { series: series.id, resolution_s, start_s, unit };
        self.points.entry(key).or_insert_with(|| Change {
            metric: Arc::clone(&series.metric),
            summary: Summary::default(),
            replaces: false,
        })
    }
}

/// Periods that may wait to be written: more only come together while the store refuses.
const POINTS_MAX: usize = 50_000;

impl Batch {
    /// Adds what came later. Returns how many periods there was no room for.
    pub(crate) fn absorb(&mut self, newer: Self) -> u64 {
        if self.points.is_empty() {
            // The usual case.
            *self = newer;
            return 0;
        }
        let mut dropped = 0;
        for (key, change) in newer.points {
            let full = self.points.len() >= POINTS_MAX;
            match self.points.get_mut(&key) {
                Some(older) if !change.replaces => older.summary.merge(&change.summary),
                None if full => dropped += 1,
                _ => {
                    self.points.insert(key, change);
                }
            }
        }
        dropped
    }
}
