//! From the recorder and the gauges into the store.

use std::sync::{Arc, MutexGuard, PoisonError};

use store::TableError;
use targets::SampleGauges;
use wire::Error;

use crate::batch::{Batch, Series};
use crate::errors::{store_failed, too_many_metrics};
use crate::metric::{Metric, unit_name};
use crate::resolution::floor;
use crate::service::Inner;
use crate::writer::METRICS_MAX;

impl Inner {
    pub(crate) fn watch(&self, gauges: Arc<dyn SampleGauges>) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(gauges);
    }

    /// Asks all gauges what they show.
    pub(crate) async fn sample(&self) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for gauges in watched {
            let sampled = gauges.sample().await;
            let now = self.clock.now();
            let minute_s = floor(now.as_secs(), 60);
            let mut fresh = Batch::default();
            for (source, values) in sampled {
                for (name, unit, value) in values.into_iter().filter(|(_, _, value)| value.is_finite()) {
                    self.exposition.set(&source, name, unit, now, value);
                    for metric in Metric::of_source(&source, name) {
                        fresh.set(&Series::new(metric), unit_name(unit), minute_s, value);
                    }
                }
            }
            self.keep(fresh);
        }
    }

    /// Takes over what has been recorded.
    pub(crate) fn collect(&self) {
        let mut fresh = Batch::default();
        self.recorder.drain(&mut fresh);
        self.keep(fresh);
    }

    /// Brings the store up to date for a query; `now`: somebody asks for figures of now.
    pub(crate) async fn refresh(&self, now: bool) {
        if now {
            self.sample().await;
        }
        self.flush().await;
    }

    /// Writes what is in memory only. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self) {
        let mut turn = self.writer.turn().await;
        self.collect();
        let mut batch = std::mem::take(&mut *self.unwritten());
        if batch.points.is_empty() {
            return;
        }
        let written = async {
            let known = self.writer.known(&mut turn).await?;
            let dropped = known.drop_excess(&mut batch);
            if dropped > 0.0 {
                tracing::warn!(dropped, limit = METRICS_MAX, "metrics: there are too many; values are lost");
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                self.recorder.drop_values(dropped as u64);
            }
            self.writer.write(known, &mut batch).await
        };
        if let Err(error) = written.await {
            tracing::error!(%error, "metrics could not be written and are kept in memory");
            self.keep_older(batch);
            self.recorder.waiting.notify_one();
        }
    }

    /// Writes what somebody has sent, before it is acknowledged.
    pub(crate) async fn put(&self, mut batch: Batch) -> Result<(), Error> {
        let failed = |error: TableError| store_failed(&error);
        let mut turn = self.writer.turn().await;
        let known = self.writer.known(&mut turn).await.map_err(failed)?;
        let new = known.count_new(&batch);
        if new > 0 && known.len() + new > METRICS_MAX {
            return Err(too_many_metrics(METRICS_MAX));
        }
        self.writer.write(known, &mut batch).await.map_err(failed)
    }

    fn unwritten(&self) -> MutexGuard<'_, Batch> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, newer: Batch) {
        let dropped = self.unwritten().absorb(newer);
        self.report_dropped(dropped);
    }

    /// Puts back what could not be written, under what has come since.
    fn keep_older(&self, mut older: Batch) {
        let mut unwritten = self.unwritten();
        let dropped = older.absorb(std::mem::take(&mut *unwritten));
        *unwritten = older;
        drop(unwritten);
        self.report_dropped(dropped);
    }

    fn report_dropped(&self, dropped: u64) {
        if dropped > 0 {
            tracing::warn!(dropped, "metrics: too many values wait to be written; some are lost");
            self.recorder.drop_values(dropped);
        }
    }
}
