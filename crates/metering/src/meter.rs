//! Takes records over and writes their sums.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clock::{SharedClock, execution_sleep};
use ids::AccountId;
use store::{SharedStore, StoreError, TableError, Transaction};
use targets::{RecordUsage, Usage};
use tasks::Tasks;
use tokio::sync::Notify;

use crate::Bill;
use crate::tables::usage::{Totals, USAGE, UsageKey};

/// How long a record may be in memory only. Real time: it bounds what a crash can lose.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// `/tmp` up to this size is free (AWS Lambda pricing).
const TMP_FREE_MB: u32 = 512;
/// How many rows are read at once.
const PAGE: usize = 1_000;

/// The store could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the usage cannot be read: {0}")]
pub struct MeterError(#[from] TableError);

impl From<StoreError> for MeterError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// Counts what invocations consume.
#[derive(Debug)]
pub struct Meter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: SharedStore,
    clock: SharedClock,
    pending: Mutex<HashMap<UsageKey, Totals>>,
    waiting: Notify,
    /// One flush after the other: each reads the rows that it adds to.
    flushing: tokio::sync::Mutex<()>,
}

impl Meter {
    /// A meter that writes in the background.
    #[must_use]
    pub fn new(store: SharedStore, clock: SharedClock, tasks: &Tasks) -> Self {
        let shared = Arc::new(Shared {
            store,
            clock,
            pending: Mutex::default(),
            waiting: Notify::new(),
            flushing: tokio::sync::Mutex::default(),
        });
        tasks.spawn_until_shutdown("write usage", keep_writing(shared.clone()));
        Self { shared }
    }

    /// Writes what is in memory only. What cannot be written is kept for the next time.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// The bill of a month such as `2026-11`; the current one if none is named.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn bill(&self, account: &AccountId, month: Option<&str>) -> Result<Bill, MeterError> {
        self.flush().await;
        let month = month.map_or_else(|| self.shared.clock.now().month(), str::to_owned);
        let snapshot = self.shared.store.snapshot().await?;
        let parts = [account.as_str().into(), month.as_str().into()];
        let mut usage = Vec::new();
        let mut after = None;
        loop {
            let rows = USAGE.list(&*snapshot, &parts, after.as_deref(), PAGE).await?;
            let full = rows.len() == PAGE;
            after = rows.last().map(|row| row.key.clone());
            for row in rows {
                usage.push((UsageKey::of(&row)?, row.record));
            }
            if !full {
                return Ok(Bill::of(account, month, &usage));
            }
        }
    }
}

impl RecordUsage for Meter {
    fn record(&self, usage: Usage) {
        let billed_ms = u64::try_from(usage.billed.as_millis()).unwrap_or(u64::MAX);
        let more = Totals {
            requests: 1,
            mb_ms: billed_ms.saturating_mul(u64::from(usage.memory_mb)),
            tmp_mb_ms: billed_ms.saturating_mul(u64::from(usage.tmp_mb.saturating_sub(TMP_FREE_MB))),
        };
        let key = UsageKey {
            month: usage.at.month(),
            version: usage
                .function
                .qualifier
                .map_or_else(|| "$LATEST".to_owned(), |version| version.to_string()),
            account: usage.function.account,
            region: usage.function.region,
            function: usage.function.name,
            architecture: usage.architecture.to_owned(),
            provisioned: usage.provisioned,
        };
        *self.shared.pending().entry(key).or_default() += more;
        self.shared.waiting.notify_one();
    }
}

async fn keep_writing(shared: Arc<Shared>) {
    loop {
        shared.waiting.notified().await;
        execution_sleep(FLUSH_AFTER).await;
        shared.flush().await;
    }
}

impl Shared {
    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<UsageKey, Totals>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn flush(&self) {
        let _one_at_a_time = self.flushing.lock().await;
        let taken = std::mem::take(&mut *self.pending());
        if taken.is_empty() {
            return;
        }
        if let Err(error) = self.add(&taken).await {
            tracing::error!(%error, "usage could not be written and is kept in memory");
            let mut pending = self.pending();
            for (key, totals) in taken {
                *pending.entry(key).or_default() += totals;
            }
            drop(pending);
            self.waiting.notify_one();
        }
    }

    async fn add(&self, more: &HashMap<UsageKey, Totals>) -> Result<(), TableError> {
        let snapshot = self.store.snapshot().await?;
        let mut transaction = Transaction::new();
        for (key, totals) in more {
            let mut sum =
                USAGE.get(&*snapshot, &key.parts()).await?.map(|row| row.record).unwrap_or_default();
            sum += *totals;
            USAGE.put(&mut transaction, &key.parts(), &sum)?;
        }
        self.store.commit(transaction).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clock::{Timestamp, VirtualClock};
    use ids::{FunctionArn, Qualifier};
    use store::MemoryStore;

    use super::*;

    fn usage(name: &str, at: Timestamp, architecture: &'static str) -> Usage {
        let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{name}");
        Usage {
            function: FunctionArn::parse(&arn).expect("parses").qualified(Qualifier::Latest),
            architecture,
            at,
            billed: Duration::from_millis(100),
            memory_mb: 1_024,
            tmp_mb: 512,
            provisioned: false,
        }
    }

    #[tokio::test]
    async fn a_bill_adds_up_over_flushes_and_meters() {
        let now = Timestamp::parse_iso8601("2026-11-23T00:00:00Z").expect("parses");
        let store: SharedStore = Arc::new(MemoryStore::new());
        let tasks = Tasks::new();
        let account = AccountId::parse("000000000000").expect("parses");
        let meter = || Meter::new(store.clone(), Arc::new(VirtualClock::new(now)), &tasks);
        let first = meter();
        for _ in 0..10 {
            first.record(usage("f", now, "x86_64"));
        }
        first.flush().await;
        first.record(usage("f", now, "x86_64"));
        first.record(usage("g", now, "arm64"));
        // Last month's is on last month's bill.
        first.record(usage("f", now - Duration::from_secs(30 * 86_400), "x86_64"));
        first.flush().await;

        let bill = meter().bill(&account, None).await.expect("can be read");
        assert_eq!((bill.month.as_str(), bill.requests.used, bill.lines.len()), ("2026-11", 12, 2));
        assert_eq!(bill.gb_seconds.used, "1.2");
        assert_eq!(bill.lines[0].requests, 11);
        assert_eq!(bill.due, crate::Money::ZERO);
        let october = meter().bill(&account, Some("2026-10")).await.expect("can be read");
        assert_eq!(october.requests.used, 1);
        tasks.drain().await;
    }
}
