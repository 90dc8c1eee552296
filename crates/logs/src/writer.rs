//! The one background writer: many lines of many streams become few transactions.
//!
//! Whatever waits when the writer is free goes into the store together, so the more is logged the larger the batches
//! become. Lines of functions are given a moment to gather; requests that wait for an answer are not.

mod plan;
mod queue;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use store::{CommitError, TableError};
use targets::LogStream;
use tasks::Tasks;
use tokio::sync::oneshot;

pub(crate) use queue::Queue;
use queue::{Batch, Wake};

use crate::event::size_bytes;
use crate::service::Inner;
use plan::Plan;

/// For how long lines gather before they are stored: what an invocation logs comes in pieces.
const GATHERING: Duration = Duration::from_millis(10);

/// Messages in a transaction. Written as JSON they take up to six times as much, which must not exceed what a
/// transaction may hold.
const TRANSACTION_BYTES_MAX: usize = 1 << 20;

/// How often a transaction is planned anew because somebody changed a group or a stream in between.
const TRIES_MAX: usize = 32;

/// An event on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) timestamp_ms: i64,
    pub(crate) message: String,
}

/// Why events of a `PutLogEvents` were not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutError {
    GroupMissing,
    StreamMissing,
    Unavailable,
}

/// Events that go into one stream together.
#[derive(Debug)]
struct Item {
    stream: Arc<LogStream>,
    events: Vec<Written>,
    /// Who waits for the answer; nobody waits for lines of functions, whose group and stream are made on demand.
    reply: Option<oneshot::Sender<Result<(), PutError>>>,
}

impl Item {
    fn bytes(&self) -> usize {
        self.events.iter().map(|event| size_bytes(&event.message)).sum()
    }
}

/// Writes until the shutdown is announced and nothing is left to be written.
pub(crate) async fn run(inner: Arc<Inner>, tasks: Tasks) {
    loop {
        match inner.queue.wait(&tasks).await {
            Wake::Urgent => {}
            Wake::Lines => tokio::select! {
                () = execution_sleep(GATHERING) => {}
                () = inner.queue.urgent() => {}
                () = tasks.shutting_down() => {}
            },
            Wake::End => return,
        }
        let batch = inner.queue.take(inner.clock.now());
        write(&inner, batch).await;
    }
}

async fn write(inner: &Inner, batch: Batch) {
    let mut waiting: Vec<Item> = Vec::new();
    let mut bytes = 0;
    for item in batch.items {
        let size = item.bytes();
        if bytes + size > TRANSACTION_BYTES_MAX && !waiting.is_empty() {
            commit(inner, std::mem::take(&mut waiting)).await;
            bytes = 0;
        }
        bytes += size;
        waiting.push(item);
    }
    if !waiting.is_empty() {
        commit(inner, waiting).await;
    }
    for flushed in batch.flushes {
        // Whoever waited may have gone away.
        let _gone = flushed.send(());
    }
}

/// Stores all items in one transaction, or says (and counts) that they are not stored.
async fn commit(inner: &Inner, items: Vec<Item>) {
    match try_commit(inner, &items).await {
        Ok(missing) => {
            for (index, item) in items.into_iter().enumerate() {
                let answer = missing.get(&index).map_or(Ok(()), |error| Err(*error));
                if let Some(reply) = item.reply {
                    let _gone = reply.send(answer);
                }
            }
        }
        Err(error) => {
            tracing::error!(%error, "log events could not be stored");
            for item in items {
                match item.reply {
                    Some(reply) => {
                        let _gone = reply.send(Err(PutError::Unavailable));
                    }
                    None => inner.queue.count_lost(&item.stream, item.events.len()),
                }
            }
        }
    }
}

/// Stores the items but those (by index) whose stream does not exist and is not to be made.
async fn try_commit(inner: &Inner, items: &[Item]) -> Result<HashMap<usize, PutError>, TableError> {
    let mut tried: Option<Plan> = None;
    for _ in 0..TRIES_MAX {
        let snapshot = inner.store.snapshot().await?;
        if let Some(plan) = tried.take()
            && plan.was_applied(&*snapshot).await?
        {
            return Ok(plan.missing);
        }
        let mut plan = Plan::new(inner, &*snapshot);
        for (index, item) in items.iter().enumerate() {
            plan.add(index, item).await?;
        }
        let (plan, transaction) = plan.finish()?;
        if transaction.mutations.is_empty() {
            return Ok(plan.missing);
        }
        match inner.store.commit(transaction).await {
            Ok(_) => return Ok(plan.missing),
            Err(CommitError::Conflict(_)) => {}
            // The next snapshot shows whether it was applied.
            Err(CommitError::Unknown(_)) => tried = Some(plan),
            Err(error) => return Err(error.into()),
        }
    }
    Err(CommitError::Unavailable("others kept changing the same log groups".to_owned()).into())
}
