//! Failed events in the store: the newest, within their bounds.

use std::collections::HashMap;

use clock::Timestamp;
use ids::FunctionArn;
use serde::{Deserialize, Serialize};
use store::{Row, Snapshot, TableError, Transaction, prefix_end};
use targets::FailedEvent;

use crate::bounds::Bounds;
use crate::tables::{FAILED, FAILED_BY_ID, FAILED_EVENTS};

/// How many rows are read at once.
const PAGE: usize = 500;

/// A failed event without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Its request id.
    pub id: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The function as it was addressed.
    pub function: FunctionArn,
    /// Why it was given up.
    pub condition: String,
    /// The last error's type and message.
    pub error: Option<(String, String)>,
    /// How large the payload is.
    pub size_bytes: u64,
    /// The request id under which it was run again, if it was.
    pub replayed_as: Option<String>,
}

/// Which failed events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedFilter {
    /// Of this function only: a name or an ARN.
    pub function: Option<String>,
    /// Given up at this moment or later.
    pub since: Option<Timestamp>,
}

impl FailedFilter {
    fn passes(&self, failed: &Failed) -> bool {
        let of_function = self.function.as_deref().is_none_or(|function| {
            failed.function.name == function
                || failed.function.to_string() == function
                || failed.function.unqualified().to_string() == function
        });
        of_function && self.since.is_none_or(|since| failed.at >= since)
    }
}

/// The newest first.
pub(crate) async fn newest(
    snapshot: &dyn Snapshot,
    filter: &FailedFilter,
    limit: usize,
) -> Result<Vec<Failed>, TableError> {
    let from = FAILED.key(&[]);
    let mut to = prefix_end(&from);
    let mut found = Vec::new();
    loop {
        let rows = FAILED.scan(snapshot, &from, &to, PAGE, true).await?;
        let full = rows.len() == PAGE;
        if let Some(last) = rows.last() {
            to = last.key.clone();
        }
        found.extend(rows.into_iter().map(|row| row.record).filter(|failed| filter.passes(failed)));
        if found.len() >= limit || !full {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// How much is kept. Only the writer adds and removes, so it need not count anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    next_sequence: u64,
    events: u64,
    bytes: u64,
}

impl Totals {
    /// Counts what is stored.
    pub(crate) async fn read(snapshot: &dyn Snapshot) -> Result<Self, TableError> {
        let mut totals = Self::default();
        let mut after = None;
        loop {
            let rows = FAILED.list(snapshot, &[], after.as_deref(), PAGE).await?;
            for row in &rows {
                totals.events += 1;
                totals.bytes += row.record.size_bytes;
                totals.next_sequence = sequence_of(row)? + 1;
            }
            if rows.len() < PAGE {
                return Ok(totals);
            }
            after = rows.last().map(|row| row.key.clone());
        }
    }

    /// Adds what stores these events, and removes the oldest where there are too many.
    pub(crate) async fn add(
        &mut self,
        snapshot: &dyn Snapshot,
        transaction: &mut Transaction,
        events: &[FailedEvent],
        bounds: &Bounds,
    ) -> Result<(), TableError> {
        // After a crash an event may be given up once more: it is kept as it was given up last.
        let last: HashMap<&str, &FailedEvent> = events.iter().map(|event| (&*event.id, event)).collect();
        let mut removed = Vec::new();
        for event in events.iter().filter(|event| std::ptr::eq(last[&*event.id], *event)) {
            if let Some(before) = FAILED_BY_ID.get(snapshot, &[(&event.id).into()]).await?
                && let Some(row) = FAILED.get(snapshot, &[before.record.into()]).await?
            {
                self.remove(transaction, &row)?;
                removed.push(row.key);
            }
            self.put(transaction, event)?;
        }
        let mut after = None;
        while self.events > bounds.failed || self.bytes > bounds.failed_bytes {
            let oldest = FAILED.list(snapshot, &[], after.as_deref(), 1).await?.pop();
            let Some(row) = oldest else { break };
            if !removed.contains(&row.key) {
                self.remove(transaction, &row)?;
            }
            after = Some(row.key);
        }
        Ok(())
    }

    fn put(&mut self, transaction: &mut Transaction, event: &FailedEvent) -> Result<(), TableError> {
        let sequence = self.next_sequence;
        let failed = Failed {
            id: event.id.clone(),
            at: event.at,
            function: event.function.clone(),
            condition: event.condition.clone(),
            error: event.error.clone(),
            size_bytes: event.payload.len() as u64,
            replayed_as: None,
        };
        FAILED_EVENTS.put(transaction, &[(&event.id).into()], event)?;
        FAILED.put(transaction, &[sequence.into()], &failed)?;
        FAILED_BY_ID.put(transaction, &[(&event.id).into()], &sequence)?;
        self.next_sequence += 1;
        self.events += 1;
        self.bytes += failed.size_bytes;
        Ok(())
    }

    fn remove(&mut self, transaction: &mut Transaction, row: &Row<Failed>) -> Result<(), TableError> {
        let id = &row.record.id;
        FAILED_EVENTS.delete(transaction, &[id.into()]);
        FAILED.delete(transaction, &[sequence_of(row)?.into()]);
        FAILED_BY_ID.delete(transaction, &[id.into()]);
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(row.record.size_bytes);
        Ok(())
    }
}

fn sequence_of(row: &Row<Failed>) -> Result<u64, TableError> {
    Ok(FAILED.read_key(&row.key)?.u64()?)
}
