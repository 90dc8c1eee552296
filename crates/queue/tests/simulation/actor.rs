//! A client that does whatever comes to its mind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use ids::IdSource;
use queue::{Message, NewMessage, Queue, QueueError, Receive, Sent};
use simulator::{Chance, FaultyStore};
use store::{CommitError, Store};
use targets::Settled;
use tasks::Tasks;

use crate::model::Model;

/// What the clients of a run are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Of a hundred acts so many are receives that would else be sends.
    more_receives: u64,
    batch_max: u64,
    delayed_percent: u64,
    waiting_percent: u64,
    /// How far they let time go on.
    leap_secs: u64,
}

impl Habits {
    /// There is always something to be had.
    pub(crate) const BUSY: Self =
        Self { more_receives: 0, batch_max: 3, delayed_percent: 20, waiting_percent: 20, leap_secs: 40 };
    /// Receivers wait for what is sent.
    pub(crate) const HUNGRY: Self =
        Self { more_receives: 15, batch_max: 1, delayed_percent: 5, waiting_percent: 70, leap_secs: 4 };
}

/// What the clients of a run share.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) tasks: Tasks,
    pub(crate) chance: Chance,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) model: Arc<Mutex<Model>>,
    pub(crate) main: Queue,
    pub(crate) dead: Queue,
    pub(crate) habits: Habits,
    /// What was received, and where.
    pub(crate) held: Arc<Mutex<Vec<(&'static str, Message)>>>,
}

/// Whether the failed request may have had its effect.
fn is_uncertain(error: &QueueError) -> bool {
    matches!(error, QueueError::Store(CommitError::Unknown(_)))
}

impl Client {
    pub(crate) async fn act(&self) {
        match self.chance.below(100) {
            act if act < self.habits.more_receives => self.receive().await,
            0..25 => self.send().await,
            25..32 => self.hand_over().await,
            32..60 => self.receive().await,
            60..80 => self.delete().await,
            80..90 => self.change().await,
            90..91 => self.purge().await,
            _ => {
                let later = self.now() + Duration::from_secs(self.chance.below(self.habits.leap_secs));
                self.clock.advance_to(later).await;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn message(&self) -> NewMessage {
        let is_fifo = self.main.settings().fifo.is_some();
        NewMessage {
            id: self.ids.hex(12),
            body: "x".repeat(usize::try_from(if self.chance.percent(2) { 100_000 } else { 10 }).unwrap()),
            group_id: Some(format!("g{}", self.chance.below(3))),
            deduplication_id: is_fifo.then(|| match self.chance.percent(50) {
                true => format!("d{}", self.chance.below(6)),
                false => self.ids.hex(8),
            }),
            delay: self
                .chance
                .percent(self.habits.delayed_percent)
                .then(|| Duration::from_secs(self.chance.below(40))),
            ..NewMessage::default()
        }
    }

    fn begin(&self, messages: &[NewMessage]) -> crate::model::Call {
        let mut model = self.model.lock().unwrap();
        let call = model.call(self.now());
        for NewMessage { id, group_id, deduplication_id, .. } in messages {
            model.begin_send(call, id, group_id.as_deref().unwrap(), deduplication_id.clone());
        }
        call
    }

    fn end(&self, call: crate::model::Call, id: &str, result: Result<Sent, QueueError>) {
        let mut model = self.model.lock().unwrap();
        match result {
            Ok(sent) => model.end_send(call, self.now(), id, &sent.id, sent.sequence_number),
            Err(error) if is_uncertain(&error) => {}
            Err(_) => model.refuse_send(id),
        }
    }

    async fn send(&self) {
        let messages: Vec<NewMessage> =
            (0..=self.chance.below(self.habits.batch_max)).map(|_| self.message()).collect();
        let call = self.begin(&messages);
        let results = self.main.send(messages.clone()).await;
        for (message, result) in messages.iter().zip(results) {
            self.end(call, &message.id, result);
        }
    }

    /// As another service does within a commit of its own.
    async fn hand_over(&self) {
        let message = self.message();
        let call = self.begin(std::slice::from_ref(&message));
        let (mut prepared, sent) = match self.main.prepare_send(message.clone()).await {
            Ok(prepared) => prepared,
            Err(error) => return self.end(call, &message.id, Err(error)),
        };
        self.chance.dawdle(6).await;
        // Whatever is given up here may have been committed or not once it is being committed.
        if self.chance.percent(20) && sent.id == message.id {
            drop(prepared);
            return self.end(call, &message.id, Err(QueueError::OverLimit));
        }
        // Who commits sees it through.
        let client = self.clone();
        let _committed = self.tasks.spawn("hand-over", async move {
            let outcome = client.store.commit(std::mem::take(&mut prepared.part)).await;
            let (settled, result) = match outcome {
                Ok(_) => (Settled::Committed, Ok(sent)),
                Err(error @ CommitError::Unknown(_)) => (Settled::Unknown, Err(error.into())),
                Err(error) => (Settled::Abandoned, Err(error.into())),
            };
            prepared.settle(settled);
            client.end(call, &message.id, result);
        });
    }

    async fn receive(&self) {
        let name = if self.chance.percent(80) { "main" } else { "dead" };
        let is_fifo = self.main.settings().fifo.is_some();
        let attempt_id =
            (is_fifo && self.chance.percent(20)).then(|| format!("{name}{}", self.chance.below(3)));
        // One that is repeated, and whose answer is lost, must not make anything visible sooner.
        let timeout = Duration::from_secs(if attempt_id.is_some() { 60 } else { self.chance.below(60) });
        let request = Receive {
            max_messages: usize::try_from(1 + self.chance.below(10)).unwrap(),
            visibility_timeout: Some(timeout),
            wait: Duration::from_secs(if self.chance.percent(self.habits.waiting_percent) {
                3_600
            } else {
                0
            }),
            attempt_id,
        };
        let call = self.model.lock().unwrap().call(self.now());
        let Ok(messages) = self.queue(name).receive(request).await else { return };
        self.model.lock().unwrap().received(name, call, self.now(), timeout, &messages);
        self.held.lock().unwrap().extend(messages.into_iter().map(|message| (name, message)));
    }

    fn queue(&self, name: &str) -> &Queue {
        if name == "main" { &self.main } else { &self.dead }
    }

    /// Some of those that were received from one queue, now or long ago.
    fn pick(&self) -> (&'static str, Vec<Message>) {
        let held = self.held.lock().unwrap();
        let mut picked = Vec::new();
        let mut place = "main";
        for _ in 0..self.chance.below(4) {
            if held.is_empty() {
                break;
            }
            let back = self.chance.below(held.len().min(12) as u64);
            let (name, message) = &held[held.len() - 1 - usize::try_from(back).unwrap()];
            if picked.is_empty() {
                place = name;
            }
            if place == *name {
                picked.push(message.clone());
            }
        }
        (place, picked)
    }

    async fn delete(&self) {
        let (name, messages) = self.pick();
        messages.iter().for_each(|message| self.model.lock().unwrap().begin_delete(&message.id));
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        let results = self.queue(name).delete(&receipts).await;
        let mut model = self.model.lock().unwrap();
        for (message, result) in messages.iter().zip(results) {
            match result {
                Ok(()) => model.end_delete(self.now(), name, &message.id),
                Err(error) if is_uncertain(&error) => {}
                Err(_) => model.refuse_delete(&message.id),
            }
        }
    }

    async fn change(&self) {
        let (name, mut messages) = self.pick();
        messages.truncate(1);
        let Some(message) = messages.pop() else { return };
        let timeout = Duration::from_secs(self.chance.below(60));
        let call = {
            let mut model = self.model.lock().unwrap();
            model.begin_change(&message.id);
            model.call(self.now())
        };
        let change = [(message.receipt.clone(), timeout)];
        let is_done = self.queue(name).change_visibility(&change).await[0].is_ok();
        let until = is_done.then_some(call.at + timeout);
        self.model.lock().unwrap().end_change(&message, until);
    }

    async fn purge(&self) {
        let call = {
            let mut model = self.model.lock().unwrap();
            model.begin_purge();
            model.call(self.now())
        };
        if self.main.purge().await.is_ok() {
            self.model.lock().unwrap().end_purge(call, self.now());
        }
    }
}
