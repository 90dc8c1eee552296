//! Puts old values together, and removes what is too old for that.
//!
//! Readers show no more of a value than its age allows, whether or not it has been seen to here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use store::{Mutation, Row, TableError, Transaction};

use crate::metric::SeriesId;
use crate::resolution::{KEPT_S, TIERS, Tier, floor};
use crate::service::Inner;
use crate::summary::Summary;
use crate::tables::{METRICS, MetricRow, POINTS, PointKey, metric_of, series_from};

/// How often all metrics are looked through.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Metrics that are read at once.
const PAGE: usize = 500;

/// Points that are put together in one transaction, between which others have their turn.
const POINTS_AT_ONCE: usize = 256;

/// Runs until it is dropped.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        execution_sleep(INTERVAL).await;
        if let Err(error) = age(&inner).await {
            tracing::error!(%error, "old metrics could not be removed");
        }
    }
}

/// Looks through all metrics once.
async fn age(inner: &Inner) -> Result<(), TableError> {
    let mut after = None;
    loop {
        let snapshot = inner.store.snapshot().await?;
        let rows = METRICS.list(&*snapshot, &[], after.as_deref(), PAGE).await?;
        drop(snapshot);
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        for row in rows {
            age_metric(inner, &row).await?;
        }
    }
}

async fn age_metric(inner: &Inner, row: &Row<MetricRow>) -> Result<(), TableError> {
    let (series, _) = metric_of(&row.key, &row.record)?;
    for (index, tier) in TIERS.iter().enumerate() {
        while put_together(inner, &series, *tier, TIERS.get(index + 1).copied()).await? {}
    }
    if row.record.newest.as_secs() + KEPT_S < inner.clock.now().as_secs() {
        remove_if_empty(inner, &series, row).await?;
    }
    Ok(())
}

/// Moves the oldest points of a tier into the next one. Returns whether there may be more of them.
async fn put_together(
    inner: &Inner,
    series: &SeriesId,
    tier: Tier,
    next: Option<Tier>,
) -> Result<bool, TableError> {
    let _turn = inner.writer.turn().await;
    let snapshot = inner.store.snapshot().await?;
    let before_s = inner.clock.now().as_secs().saturating_sub(tier.kept_s);
    let from = series_from(series, tier.resolution_s, i64::MIN);
    let to = series_from(series, tier.resolution_s, before_s);
    let rows = POINTS.scan(&*snapshot, &from, &to, POINTS_AT_ONCE, false).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let full = rows.len() == POINTS_AT_ONCE;
    let mut transaction = Transaction::new();
    let mut coarser: BTreeMap<PointKey, Summary> = BTreeMap::new();
    for row in rows {
        if let Some(next) = next {
            let key = PointKey::of(&row.key)?;
            let start_s = floor(key.start_s, next.resolution_s);
            let key = PointKey { resolution_s: next.resolution_s, start_s, ..key };
            coarser.entry(key).or_default().merge(&row.record);
        }
        transaction.mutations.push(Mutation::Delete(row.key));
    }
    for (key, mut summary) in coarser {
        if let Some(row) = POINTS.get(&*snapshot, &key.parts()).await? {
            summary.merge(&row.record);
        }
        POINTS.put(&mut transaction, &key.parts(), &summary)?;
    }
    inner.store.commit(transaction).await?;
    Ok(full)
}

async fn remove_if_empty(inner: &Inner, series: &SeriesId, row: &Row<MetricRow>) -> Result<(), TableError> {
    let mut turn = inner.writer.turn().await;
    let snapshot = inner.store.snapshot().await?;
    if !POINTS.list(&*snapshot, &[series.0[..].into()], None, 1).await?.is_empty() {
        return Ok(());
    }
    let mut transaction = Transaction::new();
    METRICS.delete_row(&mut transaction, row);
    inner.store.commit(transaction).await?;
    if let Some(known) = turn.as_mut() {
        known.forget(series);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
