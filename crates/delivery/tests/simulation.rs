//! Whole lives of the queue, drawn from a seed: random events, functions that fail, are throttled or break, receivers
//! that refuse, a store that fails, and processes that end at any moment.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clock::Clock;
use delivery::{Attempt, EventSettings};
use ids::{Arn, IdSource};
use simulator::{Chance, FaultyStore, cut_off, for_each_seed, run_paused};
use store::{MemoryStore, Mutation, Transaction};
use targets::{Agenda, TargetError};
use tokio::sync::Semaphore;

use world::{Fakes, Process, arn, function, ran, rows, settings};

/// How often the store fails while it does, in a hundred times.
const FAULT_PERCENT: u64 = 8;

/// Nothing takes long, but for what is tried again.
const LIMIT: Duration = Duration::from_secs(3_600);

/// What is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing.
    Calm,
    /// The store: that changes nothing that anybody sees.
    FaultyStore,
    /// Everything.
    Crashes,
}

/// An event that was sent.
#[derive(Debug)]
struct Sent {
    function: String,
    payload: String,
    at: u64,
    acknowledged: bool,
}

/// Enough of a payload to know it by.
fn beginning(payload: &str) -> &str {
    &payload[..=payload.rfind('-').unwrap()]
}

/// Of the acceptance of an event nobody is promised that a lost commit is never applied late.
fn may_be_late(transaction: &Transaction) -> bool {
    transaction.mutations.iter().any(|change| matches!(change, Mutation::Delete(_)))
}

struct Simulation {
    mode: Mode,
    chance: Chance,
    fakes: Arc<Fakes>,
    memory: Arc<MemoryStore>,
    ids: Arc<IdSource>,
    functions: BTreeMap<String, EventSettings>,
    sent: Vec<Sent>,
    /// Receivers that were out of order at some time.
    unreliable: Vec<Arn>,
}

/// What the `n`th attempt (from 0) of an event comes to stands in its payload, as a letter; afterwards it succeeds.
fn script(payload: &str, n: usize) -> char {
    payload.trim_matches('"').split('-').nth(1).unwrap().chars().nth(n).unwrap_or('S')
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let mode = chance.pick(&[Mode::Calm, Mode::FaultyStore, Mode::Crashes, Mode::Crashes]);
        let fakes = Fakes::new();
        let weak = Arc::downgrade(&fakes);
        fakes.behave(move |event| {
            let payload = String::from_utf8(event.payload.to_vec()).unwrap();
            let before = weak.upgrade().unwrap().attempts_of(&payload).len() - 1;
            Some(match script(&payload, before) {
                'F' => ran(Some("no")),
                'E' => Attempt::SystemError("no".to_owned()),
                'T' => Attempt::Throttled,
                'L' => Attempt::LoopStopped,
                'P' => std::panic::resume_unwind(Box::new("a broken function")),
                _ => ran(None),
            })
        });
        let functions: BTreeMap<String, EventSettings> = (0..=chance.below(3))
            .map(|number| {
                let receiver = |role: &str| {
                    let service = chance.pick(&["sqs", "sns", "lambda"]);
                    let prefix = if service == "lambda" { "function:" } else { "" };
                    (!chance.percent(33)).then(|| arn(service, &format!("{prefix}{role}-{number}")))
                };
                let settings = EventSettings {
                    maximum_retry_attempts: u32::try_from(chance.below(3)).unwrap(),
                    maximum_event_age: Duration::from_secs(chance.pick(&[60, 61, 90, 181, 600, 21_600])),
                    on_success: receiver("success"),
                    on_failure: receiver("failure"),
                    dead_letter: receiver("dead").filter(|arn| arn.service != "lambda"),
                    is_switched_off: chance.percent(10),
                    ..settings()
                };
                (format!("f{number}"), settings)
            })
            .collect();
        if mode == Mode::Crashes && chance.percent(33) {
            *fakes.places.lock().unwrap() =
                Arc::new(Semaphore::new(usize::try_from(chance.below(4)).unwrap()));
        }
        for (name, settings) in &functions {
            fakes.configure(name, Some(settings.clone()));
        }
        Self {
            mode,
            fakes,
            memory: Arc::new(MemoryStore::new()),
            ids: chance.ids(),
            functions,
            sent: Vec::new(),
            unreliable: Vec::new(),
            chance,
        }
    }

    fn run(&mut self) {
        let lives = if self.mode == Mode::Crashes { self.chance.below(4) } else { 0 };
        for _ in 0..lives {
            let turns = self.chance.below(600);
            self.live(|simulation, process, store| async move {
                cut_off(turns, simulation.steps(&process, &store)).await;
            });
        }
        self.live(|simulation, process, store| async move {
            simulation.steps(&process, &store).await;
            simulation.recover(&store);
            simulation.fakes.clock.quiet().await;
            simulation.advance(22_000).await;
            simulation.check(&process).await;
        });
    }

    /// One process, which may end at any moment.
    fn live<'a, F>(&'a mut self, life: impl FnOnce(&'a mut Self, Process, Arc<FaultyStore>) -> F)
    where
        F: Future<Output = ()> + 'a,
    {
        let store = FaultyStore::new(self.memory.clone(), self.chance.split()).late(may_be_late);
        let store = Arc::new(store);
        self.set_faulty(&store, true);
        run_paused(LIMIT, async {
            let process = Process::start(&self.fakes, store.clone());
            let tasks = process.tasks.clone();
            life(self, process, store).await;
            tasks.announce_shutdown();
        });
    }

    fn set_faulty(&self, store: &FaultyStore, is_faulty: bool) {
        store.fail(if is_faulty && self.mode != Mode::Calm { FAULT_PERCENT } else { 0 });
    }

    async fn steps(&mut self, process: &Process, store: &FaultyStore) {
        for _ in 0..self.chance.below(30) {
            match self.chance.below(10) {
                0..5 => self.send(process, self.chance.pick(&[0, 0, 0, 100, 40_000, 200_000])).await,
                5 if self.mode == Mode::Crashes && self.chance.percent(2) => self.burst(process).await,
                5..8 => self.advance(self.chance.pick(&[0, 1, 5, 29, 60, 61, 120, 300])).await,
                8 if self.mode == Mode::Crashes => self.disturb(),
                9 if self.mode == Mode::Crashes => self.recover(store),
                _ => drop(process.delivery.due(3).await),
            }
            self.set_faulty(store, self.chance.percent(50));
        }
    }

    async fn send(&mut self, process: &Process, padding_bytes: usize) {
        let padding = "x".repeat(padding_bytes);
        let letters: &[char] = if self.mode == Mode::Crashes {
            &['F', 'F', 'E', 'T', 'L', 'P', 'S']
        } else {
            &['F', 'F', 'F', 'E', 'L', 'S']
        };
        let script: String = (0..self.chance.below(5)).map(|_| self.chance.pick(letters)).collect();
        let function_name = format!("f{}", self.chance.below(self.functions.len() as u64));
        let payload = format!("\"{}-{script}-{padding}\"", self.sent.len());
        let at = self.fakes.since_start().as_secs();
        self.sent.push(Sent {
            function: function_name.clone(),
            payload: payload.clone(),
            at,
            acknowledged: false,
        });
        let accepted = process.accept(&self.fakes, &self.ids, function(&function_name), &payload).await;
        if let Some(last) = self.sent.last_mut() {
            last.acknowledged = accepted.is_ok();
        }
    }

    /// More than fits into memory.
    async fn burst(&mut self, process: &Process) {
        let gate = self.fakes.clone();
        let _closed = gate.gate.write().await;
        for _ in 0..500 {
            self.send(process, 0).await;
        }
    }

    async fn advance(&self, secs: u64) {
        let target = self.fakes.clock.now() + Duration::from_secs(secs);
        self.fakes.clock.advance_to(target).await;
    }

    fn disturb(&mut self) {
        let settings = &self.functions[&format!("f{}", self.chance.below(self.functions.len() as u64))];
        let receivers = [&settings.on_success, &settings.on_failure, &settings.dead_letter];
        let Some(receiver) = self.chance.pick(&receivers).clone() else {
            return self.fakes.is_silent.store(true, Ordering::Relaxed);
        };
        match self.chance.below(4) {
            0 => self.fakes.refuse(&receiver, TargetError::NotFound("it".to_owned())),
            1 => self.fakes.refuse(&receiver, TargetError::Unavailable("it".to_owned())),
            2 => self.fakes.oversized.lock().unwrap().push(receiver.to_string()),
            _ => self.fakes.conflicting.lock().unwrap().push(receiver.to_string()),
        }
        self.unreliable.push(receiver);
    }

    fn recover(&self, store: &FaultyStore) {
        self.fakes.is_silent.store(false, Ordering::Relaxed);
        self.fakes.refusals.lock().unwrap().clear();
        *self.fakes.places.lock().unwrap() = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        self.fakes.conflicting.lock().unwrap().clear();
        self.fakes.oversized.lock().unwrap().clear();
        store.fail(0);
    }

    async fn check(&self, process: &Process) {
        assert!(rows(&*self.memory, "event").await.is_empty(), "events are left");
        assert!(rows(&*self.memory, "event-part").await.is_empty(), "parts are left");
        assert!(process.delivery.backlog().is_empty(), "{:?}", process.delivery.backlog());
        assert_eq!(self.fakes.clock.next_due(), None);
        let mut delivered: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in rows(&*self.memory, "delivered").await {
            let mut key = store::KeyReader::new(&entry.key);
            let (_, to) = (key.str().unwrap(), key.str().unwrap());
            delivered.entry(to).or_default().push(String::from_utf8(entry.value.to_vec()).unwrap());
        }
        for sent in &self.sent {
            self.check_hand_over(sent, &delivered);
            if self.mode != Mode::Crashes && sent.acknowledged {
                self.check_attempts(sent);
            }
        }
        self.check_messages(&delivered);
    }

    /// Whoever is to hear of an event does, once.
    fn check_hand_over(&self, sent: &Sent, delivered: &BTreeMap<String, Vec<String>>) {
        let settings = &self.functions[&sent.function];
        let count = |receiver: &Option<Arn>| {
            let messages = receiver.as_ref().and_then(|arn| delivered.get(&arn.to_string()));
            messages.into_iter().flatten().filter(|body| body.contains(beginning(&sent.payload))).count()
        };
        let must =
            |receiver: &Option<Arn>| receiver.as_ref().is_some_and(|arn| !self.unreliable.contains(arn));
        let (success, failure, dead) =
            (count(&settings.on_success), count(&settings.on_failure), count(&settings.dead_letter));
        assert!(success + failure <= 1 && success + dead <= 1, "{sent:?} ended twice");
        if !sent.acknowledged {
            return;
        }
        let attempts = self.fakes.attempts_of(&sent.payload).len();
        let succeeded = attempts > 0 && script(&sent.payload, attempts - 1) == 'S';
        // A success of which a crash left nothing is attempted again, and may be given up by then.
        let may_be_given_up = !succeeded || self.mode == Mode::Crashes;
        let good = success == usize::from(must(&settings.on_success))
            || (success <= 1 && !must(&settings.on_success));
        let bad = failure == usize::from(must(&settings.on_failure))
            || (failure <= 1 && !must(&settings.on_failure));
        let dead_end =
            dead == usize::from(must(&settings.dead_letter)) || (dead <= 1 && !must(&settings.dead_letter));
        let ended_well = succeeded && good && failure + dead == 0;
        let ended_badly = may_be_given_up && bad && dead_end && success == 0;
        assert!(ended_well || ended_badly, "{sent:?}: {attempts} attempts, {success} {failure} {dead}");
        assert!(attempts > 0 || ended_badly);
    }

    /// The times of all attempts, computed by other means.
    fn check_attempts(&self, sent: &Sent) {
        let settings = &self.functions[&sent.function];
        let age = settings.maximum_event_age.as_secs();
        let (mut expected, mut at, mut failures, mut deferrals) = (Vec::new(), sent.at, 0, 0);
        while !settings.is_switched_off && at < sent.at + age {
            expected.push(at);
            match script(&sent.payload, expected.len() - 1) {
                'F' if failures == settings.maximum_retry_attempts => break,
                'F' => {
                    failures += 1;
                    deferrals = 0;
                    at += u64::from(60 * failures);
                }
                'E' => {
                    at += 1 << deferrals;
                    deferrals += 1;
                }
                _ => break,
            }
        }
        assert_eq!(self.fakes.attempts_of(&sent.payload), expected, "{sent:?}");
    }

    /// Receivers heard of what is in the store, and of nothing else.
    fn check_messages(&self, delivered: &BTreeMap<String, Vec<String>>) {
        let messages = self.fakes.messages.lock().unwrap();
        for message in messages.iter() {
            assert!(
                delivered
                    .get(&message.to)
                    .is_some_and(|bodies| bodies.iter().any(|body| message.body.starts_with(body)))
            );
            assert!(message.from.is_some() && message.trace_header.is_some());
            assert_eq!(message.attributes.contains_key("RequestID"), message.to.contains("dead"));
        }
        if self.mode == Mode::Calm {
            assert_eq!(messages.len(), delivered.values().map(Vec::len).sum::<usize>());
            let ended = self.fakes.story().iter().filter(|step| step.ends_with("Success")).count();
            let given_up = self.fakes.metric("AsyncEventsDropped").len();
            assert_eq!(given_up, self.fakes.kept.lock().unwrap().len());
            assert!(ended + given_up >= self.sent.iter().filter(|sent| sent.acknowledged).count());
        }
    }
}

#[test]
fn no_event_is_lost_whatever_happens() {
    for_each_seed(300, |seed| Simulation::new(seed).run());
}
