//! The one background writer: what waits becomes few transactions.

use std::sync::Arc;
use std::time::Duration;

use clock::execution_sleep;
use store::{CommitError, TableError, Transaction};
use targets::{FailedEvent, Step};
use tasks::Tasks;

use crate::failed::Totals;
use crate::queue::{BATCH_STEPS, Wake};
use crate::steps::Place;
use crate::trace::Shared;

/// For how long steps gather. Real time: it bounds what a crash can lose.
const GATHERING: Duration = Duration::from_millis(10);
/// The same when more comes than a batch holds. Steps of many subjects touch many pages of the store, so that writing
/// them all would slow down what they tell of; nobody reads thousands of steps a second.
const GATHERING_UNDER_LOAD: Duration = Duration::from_millis(100);
/// After the store took nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// Failed events in a transaction.
const TRANSACTION_EVENTS: usize = 100;
/// Payloads in a transaction; as JSON text they can be six times as long. One larger payload goes alone.
const TRANSACTION_PAYLOAD_BYTES: usize = 512 << 10;

/// Writes until the shutdown is announced and nothing is left to be written.
pub(crate) async fn run(shared: Arc<Shared>, tasks: Tasks) {
    let mut writer = Writer { shared: Arc::clone(&shared), place: None, totals: None, told: 0 };
    let mut gathering = GATHERING;
    loop {
        match shared.queue.wait(&tasks).await {
            Wake::Urgent => {}
            Wake::Work => tokio::select! {
                () = execution_sleep(gathering) => {}
                () = shared.queue.urgent() => {}
                () = tasks.shutting_down() => {}
            },
            Wake::End => return,
        }
        let batch = shared.queue.take();
        gathering = if batch.steps.len() < BATCH_STEPS { GATHERING } else { GATHERING_UNDER_LOAD };
        writer.write_steps(&batch.steps).await;
        let failed = writer.write_failed(batch.failed).await;
        for flushed in batch.flushes {
            // Whoever waited may have gone away.
            let _gone = flushed.send(());
        }
        if !failed.is_empty() {
            if tasks.is_shutting_down() {
                tracing::error!(events = failed.len(), "failed events could not be kept");
                continue;
            }
            shared.queue.put_back(failed);
            tokio::select! {
                () = execution_sleep(PAUSE) => {}
                () = shared.queue.urgent() => {}
                () = tasks.shutting_down() => {}
            }
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    /// Unknown at the start and after a commit that failed.
    place: Option<Place>,
    totals: Option<Totals>,
    /// How many steps the log said were left out.
    told: u64,
}

impl Writer {
    /// Steps that cannot be written are left out.
    async fn write_steps(&mut self, steps: &[Step]) {
        for steps in steps.chunks(BATCH_STEPS) {
            if let Err(error) = self.commit_steps(steps).await {
                tracing::error!(%error, "steps of traces could not be written");
                self.place = None;
                self.shared.queue.leave_out(steps.len() as u64);
            }
        }
        let left_out = self.shared.queue.left_out();
        // Once it is over, so that the log is not flooded as well.
        if left_out > self.told && self.shared.queue.is_drained() {
            tracing::warn!(steps = left_out - self.told, "steps of traces were left out");
            self.told = left_out;
        }
    }

    async fn commit_steps(&mut self, steps: &[Step]) -> Result<(), TableError> {
        let mut place = match self.place {
            Some(place) => place,
            None => Place::read(&*self.shared.store.snapshot().await?).await?,
        };
        let mut transaction = Transaction::new();
        for step in steps {
            place.add(&mut transaction, step, &self.shared.bounds)?;
        }
        self.shared.store.commit(transaction).await?;
        self.place = Some(place);
        Ok(())
    }

    /// Answers what could not be written.
    async fn write_failed(&mut self, events: Vec<FailedEvent>) -> Vec<FailedEvent> {
        let mut rest = events.into_iter().peekable();
        while rest.peek().is_some() {
            let mut bytes = 0;
            let mut together = Vec::new();
            while let Some(event) = rest.next_if(|event| {
                let fits = bytes + event.payload.len() <= TRANSACTION_PAYLOAD_BYTES;
                together.is_empty() || (fits && together.len() < TRANSACTION_EVENTS)
            }) {
                bytes += event.payload.len();
                together.push(event);
            }
            match self.commit_failed(&together).await {
                Ok(()) => {}
                Err(TableError::Commit(CommitError::TooLarge(cause))) => {
                    self.totals = None;
                    let ids: Vec<&str> = together.iter().map(|event| &*event.id).collect();
                    tracing::error!(?ids, cause, "failed events are not kept");
                }
                Err(error) => {
                    self.totals = None;
                    tracing::error!(%error, "failed events could not be kept yet");
                    return together.into_iter().chain(rest).collect();
                }
            }
        }
        Vec::new()
    }

    async fn commit_failed(&mut self, events: &[FailedEvent]) -> Result<(), TableError> {
        let snapshot = self.shared.store.snapshot().await?;
        let mut totals = match self.totals {
            Some(totals) => totals,
            None => Totals::read(&*snapshot).await?,
        };
        let mut transaction = Transaction::new();
        totals.add(&*snapshot, &mut transaction, events, &self.shared.bounds).await?;
        self.shared.store.commit(transaction).await?;
        self.totals = Some(totals);
        Ok(())
    }
}
