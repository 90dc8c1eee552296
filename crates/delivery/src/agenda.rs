//! What is due when.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use bytes::Bytes;
use clock::Timestamp;
use ids::FunctionArn;
use store::{Snapshot, StoreError};
use targets::Due;

use crate::engine::Engine;
use crate::row::{self, Stored};

/// Rows of a function that are read at once.
const STEP: usize = 16;

/// The waits of one function, read as far as they are asked for.
struct Waits {
    function: FunctionArn,
    paused_until: Option<Timestamp>,
    read: VecDeque<Due>,
    from: Bytes,
    to: Bytes,
    is_at_end: bool,
}

/// The first `limit` waits of all functions, by their time. What is being done now does not wait.
pub(crate) async fn due(engine: &Engine, limit: usize) -> Result<Vec<Due>, StoreError> {
    let snapshot = engine.parts.store.snapshot().await?;
    let now = engine.now();
    let functions: Vec<(FunctionArn, Option<Timestamp>)> =
        engine.head().functions().map(|(function, paused)| (function.clone(), paused)).collect();
    let mut all = Vec::with_capacity(functions.len());
    let mut firsts = BinaryHeap::new();
    for (index, (function, paused_until)) in functions.into_iter().enumerate() {
        let rows = row::of_function(&function);
        // Only of a paused function do those wait that are due already.
        let from = if paused_until.is_some() { rows.start } else { row::after(&function, now) };
        let mut waits =
            Waits { function, paused_until, read: VecDeque::new(), from, to: rows.end, is_at_end: false };
        firsts.extend(waits.first(&*snapshot).await?.map(|at| Reverse((at, index))));
        all.push(waits);
    }
    let mut due = Vec::new();
    while due.len() < limit
        && let Some(Reverse((_, index))) = firsts.pop()
    {
        let waits = &mut all[index];
        due.extend(waits.read.pop_front());
        firsts.extend(waits.first(&*snapshot).await?.map(|at| Reverse((at, index))));
    }
    Ok(due)
}

impl Waits {
    /// When the first that has not been taken is due.
    async fn first(&mut self, snapshot: &dyn Snapshot) -> Result<Option<Timestamp>, StoreError> {
        while self.read.is_empty() && !self.is_at_end {
            let entries = snapshot.range(&self.from, &self.to, STEP, false).await?;
            self.is_at_end = entries.len() < STEP;
            if let Some(last) = entries.last() {
                self.from = [&last.key[..], &[0]].concat().into();
            }
            for entry in &entries {
                match Stored::read(snapshot, entry).await {
                    Ok(stored) => self.read.push_back(self.describe(&stored)),
                    Err(error) => tracing::error!(%error, "an event cannot be read"),
                }
            }
        }
        Ok(self.read.front().map(|due| due.at))
    }

    fn describe(&self, stored: &Stored) -> Due {
        let what = match &stored.ending {
            Some(_) => "handing over of an event that has ended",
            None if stored.event.failures > 0 => "retry of an event",
            None => "attempt of an event that was turned away",
        };
        Due {
            at: self.paused_until.map_or(stored.due, |until| until.max(stored.due)),
            what: what.to_owned(),
            resource: self.function.to_string(),
            id: stored.event.id.to_string(),
        }
    }
}
