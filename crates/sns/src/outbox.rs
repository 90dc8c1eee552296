//! The outbox: the last e-mails and text messages, to be read on this host.

use std::sync::atomic::{AtomicU64, Ordering};

use store::{Transaction, prefix_end};
use tokio::sync::OnceCell;

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::tables::outbox::{OUTBOX, OutboxEntry};

/// How many are kept.
const KEPT_MAX: u64 = 1_000;

/// Numbers what goes into the outbox.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Read when it is first needed.
    next: OnceCell<AtomicU64>,
}

/// Adds: keep this, and let go of the oldest one.
///
/// # Errors
/// When the store cannot be read, or the entry is too large.
pub(crate) async fn put(sns: &Sns, transaction: &mut Transaction, entry: &OutboxEntry) -> Outcome<()> {
    let next = sns.outbox.next.get_or_try_init(async || {
        let last = newest(sns, 1).await?.first().map_or(0, |(number, _)| number + 1);
        Ok::<_, Failure>(AtomicU64::new(last))
    });
    let number = next.await?.fetch_add(1, Ordering::Relaxed);
    OUTBOX.put(transaction, &[number.into()], entry)?;
    if let Some(oldest) = number.checked_sub(KEPT_MAX) {
        OUTBOX.delete(transaction, &[oldest.into()]);
    }
    Ok(())
}

/// The newest `limit` entries, the newest one first.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn newest(sns: &Sns, limit: usize) -> Outcome<Vec<(u64, OutboxEntry)>> {
    let from = OUTBOX.key(&[]);
    let rows = OUTBOX.scan(&*sns.snapshot().await?, &from, &prefix_end(&from), limit, true).await?;
    let read = |row: store::Row<OutboxEntry>| Ok((OUTBOX.read_key(&row.key)?.u64()?, row.record));
    rows.into_iter().map(read).collect()
}
