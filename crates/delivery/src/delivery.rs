//! The queue as the services hold it.

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clock::SharedClock;
use ids::FunctionArn;
use store::{Check, CommitError, SharedStore, Transaction};
use targets::{Agenda, Due, MetricSource, Prepared, RecordMetrics, RecordTrace, Settled, Targets, What};
use tasks::Tasks;

use crate::engine::Engine;
use crate::head::Claimed;
use crate::row::Stored;
use crate::{Event, Functions, agenda, keeper};

/// What the queue is built from.
#[derive(Debug, Clone)]
pub struct DeliveryParts {
    /// Where events lie.
    pub store: SharedStore,
    /// When they are due.
    pub clock: SharedClock,
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
pub struct Delivery(Arc<Engine>);

impl Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    /// A queue that accepts events, and runs none before [`Delivery::start`].
    #[must_use]
    pub fn new(parts: DeliveryParts) -> Self {
        Self(Arc::new(Engine::new(parts)))
    }

    /// Begins to work, also on what the last process left. Only the first call counts.
    pub fn start(&self, functions: Arc<dyn Functions>) {
        if !self.0.set_functions(functions) {
            return;
        }
        let hold = self.0.parts.clock.hold();
        let keeper = keeper::keep(self.0.clone(), hold);
        self.0.parts.tasks.spawn_until_shutdown("keep asynchronous events", keeper);
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
        let store = self.0.parts.store.clone();
        // A task of its own: the commit takes place, and must be heard of, when the caller has gone away.
        let commit = self.0.parts.tasks.spawn("accept an event", async move {
            let committed = store.commit(part).await;
            match &committed {
                Ok(_) => prepared.committed(),
                Err(CommitError::Unknown(_)) => prepared.settle(Settled::Unknown),
                Err(_) => drop(prepared),
            }
            committed.map(|_version| ())
        });
        commit.await.unwrap_or_else(|error| Err(CommitError::Unknown(error.to_string())))
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
        let (engine, metrics, hold) = (self.0.clone(), metrics.clone(), self.0.parts.clock.hold());
        let (function, id) = (event.function.unqualified(), event.id);
        let stored = Stored::new(event);
        let mut part = Transaction::new();
        if let Err(error) = stored.put(&mut part) {
            // Nothing in an event can fail to be written as JSON; without its row it must not seem accepted.
            tracing::error!(%error, %id, "an event cannot be written");
            part.checks.push(Check::Present(Bytes::from_static(b"")));
        }
        engine.head().claim(&function, id);
        Prepared::new(id.to_string(), part, move |settled| {
            match settled {
                Settled::Committed => {
                    let size_bytes = stored.event.payload.len() as u64;
                    engine.tell(&stored.event, || What::Accepted { by, from, size_bytes });
                    engine.count("AsyncEventsReceived", &metrics);
                    engine.head().arrived(Claimed { stored, function, hold });
                }
                Settled::Abandoned => engine.head().not_arrived(&function, id),
                Settled::Unknown => engine.head().lose_sight(&function, id, hold),
            }
            engine.go_on();
        })
    }

    /// How many events there are, by function.
    #[must_use]
    pub fn backlog(&self) -> Vec<Backlog> {
        let head = self.0.head();
        let counts = head.counts().map(|(function, events, running)| Backlog {
            function: function.clone(),
            waiting: events.saturating_sub(running),
            running,
        });
        counts.filter(|backlog| backlog.waiting + backlog.running > 0).collect()
    }
}

#[async_trait]
impl Agenda for Delivery {
    async fn due(&self, limit: usize) -> Vec<Due> {
        agenda::due(&self.0, limit).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is due cannot be read");
            Vec::new()
        })
    }
}
