//! The queue as the services hold it.

use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use clock::SharedClock;
use ids::{FunctionArn, IdSource};
use store::{CommitError, SharedStore, Transaction};
use targets::{Agenda, Due, MetricSource, Prepared, RecordMetrics, RecordTrace, Settled, Targets};
use tasks::Tasks;

use crate::row::Stored;
use crate::{Event, Functions};

/// What the queue is built from.
#[derive(Debug, Clone)]
pub struct DeliveryParts {
    /// Where events lie.
    pub store: SharedStore,
    /// When they are due.
    pub clock: SharedClock,
    /// Randomness.
    pub ids: Arc<IdSource>,
    /// Who runs the work.
    pub tasks: Tasks,
    /// Where failed events and records go.
    pub targets: Targets,
    /// Counts events.
    pub metrics: Arc<dyn RecordMetrics>,
    /// Tells their story.
    pub trace: Arc<dyn RecordTrace>,
}

/// How many events of a function there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The function, without a qualifier.
    pub function: FunctionArn,
    /// How many wait: for their turn, or for the time of their next attempt.
    pub waiting: u64,
    /// How many are being attempted.
    pub running: u64,
}

/// The durable queue of asynchronous events. Cheap to clone.
#[derive(Clone)]
pub struct Delivery(Arc<Shared>);

struct Shared {
    parts: DeliveryParts,
    functions: OnceLock<Arc<dyn Functions>>,
}

impl Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    /// A queue that accepts events, and runs none before [`Delivery::start`].
    #[must_use]
    pub fn new(parts: DeliveryParts) -> Self {
        Self(Arc::new(Shared { parts, functions: OnceLock::new() }))
    }

    /// Begins to work, also on what the last process left. Only the first call counts.
    pub fn start(&self, functions: Arc<dyn Functions>) {
        let _started_before = self.0.functions.set(functions);
    }

    /// Takes an event over: when this returns `Ok` it is on disk and will be delivered. `by` is the ARN of who sends
    /// it, `from` the request or message that it comes from, `metrics` where the function's figures count.
    ///
    /// # Errors
    /// When it is not, or perhaps not ([`CommitError::Unknown`]), on disk.
    pub async fn accept(
        &self,
        event: Event,
        by: String,
        from: Option<String>,
        metrics: &Arc<MetricSource>,
    ) -> Result<(), CommitError> {
        let mut prepared = self.prepare(event, by, from, metrics);
        let part = std::mem::take(&mut prepared.part);
        match self.0.parts.store.commit(part).await {
            Ok(_) => prepared.committed(),
            Err(CommitError::Unknown(why)) => {
                prepared.settle(Settled::Unknown);
                return Err(CommitError::Unknown(why));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What another commit has to write so that the event is accepted with it. The arguments are those of
    /// [`Delivery::accept`]. Virtual time stands still until it is settled and the event has been attempted.
    pub fn prepare(
        &self,
        event: Event,
        by: String,
        from: Option<String>,
        metrics: &Arc<MetricSource>,
    ) -> Prepared {
        let _not_yet = (by, from, metrics);
        let mut part = Transaction::new();
        let stored = Stored::new(event);
        if let Err(error) = stored.put(&mut part) {
            tracing::error!(%error, "an event cannot be written");
        }
        Prepared::new(stored.event.id.to_string(), part, |_settled| {})
    }

    /// How many events there are, by function.
    #[must_use]
    pub fn backlog(&self) -> Vec<Backlog> {
        Vec::new()
    }
}

#[async_trait]
impl Agenda for Delivery {
    async fn due(&self, _limit: usize) -> Vec<Due> {
        Vec::new()
    }
}
