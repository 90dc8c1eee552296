//! Each rule of asynchronous invocation, from the acceptance of an event to what is left of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempts;
mod backlog;
mod durability;
mod receivers;
#[path = "../support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clock::Clock;
use delivery::{Attempt, EventSettings};
use ids::IdSource;
use store::{Applied, CommitError, MemoryStore};
use targets::{Agenda, AttributeValue, TargetError};

use world::{Fakes, Process, START, arn, function, ran, rows, settings};

struct World {
    fakes: Arc<Fakes>,
    store: Arc<MemoryStore>,
    ids: Arc<IdSource>,
    process: Process,
}

impl World {
    fn new() -> Self {
        let (fakes, store, ids) = (Fakes::new(), Arc::new(MemoryStore::new()), Arc::new(IdSource::seeded(1)));
        let process = Process::start(&fakes, store.clone());
        Self { fakes, store, ids, process }
    }

    async fn accept(&self, name: &str, payload: &str) {
        self.process.accept(&self.fakes, &self.ids, function(name), payload).await.unwrap();
    }

    async fn advance(&self, secs: u64) {
        let target = self.fakes.clock.now() + Duration::from_secs(secs);
        self.fakes.clock.advance_to(target).await;
    }

    /// The process ends, and another one begins.
    async fn restart(&mut self) {
        self.process.tasks.drain().await;
        self.process = Process::start(&self.fakes, self.store.clone());
    }

    async fn assert_nothing_is_left(&self) {
        self.fakes.clock.quiet().await;
        assert!(rows(&*self.store, "event").await.is_empty());
        assert!(rows(&*self.store, "event-part").await.is_empty());
        assert!(self.process.delivery.backlog().is_empty());
        assert_eq!(self.fakes.clock.next_due(), None);
    }

    fn messages_to(&self, receiver: &ids::Arn) -> Vec<String> {
        let messages = self.fakes.messages.lock().unwrap();
        messages
            .iter()
            .filter(|message| message.to == receiver.to_string())
            .map(|message| message.body.clone())
            .collect()
    }
}

fn fails(_: &delivery::Event) -> Option<Attempt> {
    Some(ran(Some("no")))
}
