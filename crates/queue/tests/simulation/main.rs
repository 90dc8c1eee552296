//! Whole lives of queues, drawn from a seed: many clients at once, a store that fails, servers that are killed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actor;
mod model;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use ids::IdSource;
use queue::{
    DeadLetter, DeduplicationScope, Fifo, Queue, QueueId, Queues, Receive, Settings, ThroughputLimit,
};
use simulator::{Chance, FaultyStore, cut_off, for_each_seed, pass_turns, run_paused};
use store::{MemoryStore, Store, key, prefix_end};
use targets::{FailedEvent, RecordTrace, Step};
use tasks::Tasks;

use crate::actor::{Client, Habits};
use crate::model::{Model, Rules};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// How often the store fails while it does, in a hundred times.
const FAULT_PERCENT: u64 = 3;
/// Nothing takes long, but for what is tried again.
const LIMIT: Duration = Duration::from_secs(86_400);

#[derive(Debug)]
struct Untold;

impl RecordTrace for Untold {
    fn record(&self, _step: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _event: FailedEvent) {}
}

struct Simulation {
    chance: Chance,
    disk: Arc<MemoryStore>,
    clock: Arc<VirtualClock>,
    model: Arc<Mutex<Model>>,
    settings: Settings,
    is_faulty: bool,
    habits: Habits,
}

/// One run of the server.
struct Server {
    store: Arc<FaultyStore>,
    tasks: Tasks,
    main: Queue,
    dead: Queue,
    _queues: Queues,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let fifo = Fifo {
            content_based_deduplication: false,
            deduplication_scope: DeduplicationScope::Queue,
            throughput_limit: ThroughputLimit::PerQueue,
        };
        let settings = Settings {
            arn: String::new(),
            fifo: chance.percent(50).then_some(fifo),
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::from_secs(if chance.percent(20) { 10 } else { 0 }),
            retention: Duration::from_secs(if chance.percent(20) { 120 } else { 1_209_600 }),
            dead_letter: chance
                .percent(40)
                .then(|| DeadLetter { queue: QueueId("dead".to_owned()), max_receive_count: 2 }),
        };
        let rules = Rules {
            fifo: settings.fifo.is_some(),
            max_receive_count: settings.dead_letter.as_ref().map(|policy| policy.max_receive_count),
            retention: settings.retention,
        };
        Self {
            is_faulty: chance.percent(70),
            habits: if chance.percent(50) { Habits::HUNGRY } else { Habits::BUSY },
            disk: Arc::new(MemoryStore::new()),
            clock: Arc::new(VirtualClock::new(START)),
            model: Arc::new(Mutex::new(Model::new(rules))),
            settings,
            chance,
        }
    }

    fn start(&self) -> Server {
        let store = Arc::new(FaultyStore::new(self.disk.clone(), self.chance.split()));
        store.fail(if self.is_faulty { FAULT_PERCENT } else { 0 });
        let tasks = Tasks::new();
        let (clock, ids, trace) = (self.clock.clone(), self.chance.ids(), Arc::new(Untold));
        // So little memory that nearly everything is read again and again.
        let window = usize::try_from(1 + self.chance.below(8)).unwrap();
        let queues = Queues::tight(window, store.clone(), clock, ids, tasks.clone(), trace);
        let main = queues.open(QueueId("main".to_owned()), self.settings.clone());
        let dead = Settings { dead_letter: None, delay: Duration::ZERO, ..self.settings.clone() };
        let dead = queues.open(QueueId("dead".to_owned()), dead);
        Server { store, tasks, main, dead, _queues: queues }
    }

    fn client(&self, server: &Server, ids: &Arc<IdSource>) -> Client {
        Client {
            clock: self.clock.clone(),
            store: server.store.clone(),
            tasks: server.tasks.clone(),
            chance: self.chance.split(),
            ids: ids.clone(),
            model: self.model.clone(),
            main: server.main.clone(),
            dead: server.dead.clone(),
            habits: self.habits,
            held: Arc::default(),
        }
    }

    async fn run(mut self) {
        let ids = self.chance.ids();
        let held = Arc::new(Mutex::new(Vec::new()));
        for life in 0..3 {
            let server = self.start();
            self.model.lock().unwrap().begin_life();
            let clients: Vec<_> = (0..2 + self.chance.below(4))
                .map(|_| Client { held: held.clone(), ..self.client(&server, &ids) })
                .map(|client| server.tasks.spawn("client", live(client)))
                .collect();
            let is_killed = life < 2 && self.chance.percent(50);
            if is_killed {
                self.chance.dawdle(200).await;
                clients.iter().for_each(tokio::task::JoinHandle::abort);
            } else {
                for client in clients {
                    client.await.unwrap();
                }
                server.store.fail(0);
                pass_turns(300).await;
                self.check_counters(&server).await;
            }
            server.store.kill();
            server.tasks.announce_shutdown();
            pass_turns(300).await;
            // The clock of the dead stands still: they hold it for ever.
            self.clock = Arc::new(VirtualClock::new(self.clock.now()));
        }
        self.drain().await;
    }

    /// They say what is in the store, and what clients have.
    async fn check_counters(&self, server: &Server) {
        for queue in [&server.main, &server.dead] {
            let counters = queue.counters().await.unwrap();
            if !self.rows("queue-floor", queue).await.is_empty() {
                // The store failed while purged messages were being removed; that is tried again later.
                continue;
            }
            let rows = self.rows("queue-message", queue).await.len() as u64;
            assert_eq!(counters.visible + counters.in_flight + counters.delayed, rows, "{counters:?}");
            if queue.settings().fifo.is_none() {
                let table = key(&["queue-waiting".into(), (&queue.id().0).into()]);
                let now = store::key(&[self.clock.now().into(), u64::MAX.into()]);
                let from = [&table[..], &now].concat();
                let waiting = self.disk.snapshot().await.unwrap();
                let waiting = waiting.range(&from, &prefix_end(&table), usize::MAX, false).await.unwrap();
                assert_eq!(counters.in_flight + counters.delayed, waiting.len() as u64, "{counters:?}");
            }
        }
        // What was received for a client that went away is not kept from others, if nobody can ask for it again.
        let told = self.model.lock().unwrap().told(self.clock.now());
        let is_exact = !self.is_faulty && self.settings.fifo.is_none();
        let in_flight = server.main.counters().await.unwrap().in_flight;
        assert!(!is_exact || in_flight <= told, "{in_flight} in flight, but clients have {told}");
    }

    async fn rows(&self, table: &str, queue: &Queue) -> Vec<store::Entry> {
        let table = key(&[table.into(), (&queue.id().0).into()]);
        let snapshot = self.disk.snapshot().await.unwrap();
        snapshot.range(&table, &prefix_end(&table), usize::MAX, false).await.unwrap()
    }

    /// All that must be there is, and nothing else.
    async fn drain(&self) {
        let server = self.start();
        server.store.fail(0);
        // A purge that was interrupted goes on once its queue is used.
        server.main.counters().await.unwrap();
        pass_turns(300).await;
        self.check_counters(&server).await;
        // Everything comes back; what is kept for a short time only is asked for at once.
        let left = self.left().len();
        let mut drained = BTreeSet::new();
        for secs in [0, 60, 0] {
            self.clock.advance_to(self.clock.now() + Duration::from_secs(secs)).await;
            for (name, queue) in [("main", &server.main), ("dead", &server.dead)] {
                while let [_, ..] = &self.drain_some(name, queue, &mut drained).await[..] {}
            }
        }
        let mut lost = self.left();
        lost.retain(|id| !drained.contains(id));
        assert!(lost.is_empty(), "{lost:?} of {left} are lost");
        self.clock.advance_to(self.clock.now() + Duration::from_secs(13 * 3_600)).await;
        for queue in [&server.main, &server.dead] {
            let request = Receive {
                max_messages: 10,
                visibility_timeout: None,
                wait: Duration::ZERO,
                attempt_id: None,
            };
            assert!(queue.receive(request).await.unwrap().is_empty());
            let counters = queue.counters().await.unwrap();
            assert_eq!(counters, queue::Counters::default());
            for table in ["queue-message", "queue-part", "queue-line", "queue-waiting"] {
                assert_eq!(self.rows(table, queue).await, [], "{table}");
            }
        }
        server.tasks.announce_shutdown();
    }

    fn left(&self) -> Vec<String> {
        let model = self.model.lock().unwrap();
        model.left(self.clock.now()).into_iter().map(str::to_owned).collect()
    }

    async fn drain_some(
        &self,
        name: &'static str,
        queue: &Queue,
        drained: &mut BTreeSet<String>,
    ) -> Vec<queue::Message> {
        let is_there = queue.counters().await.unwrap().visible > 0 && queue.settings().fifo.is_none();
        let timeout = Duration::from_secs(3_600);
        let request = Receive {
            max_messages: 10,
            visibility_timeout: Some(timeout),
            wait: Duration::ZERO,
            attempt_id: None,
        };
        let now = self.clock.now();
        let call = self.model.lock().unwrap().call(now);
        let messages = queue.receive(request).await.unwrap();
        // Those that are only to be moved on are counted as well.
        assert!(!messages.is_empty() || !is_there || self.settings.dead_letter.is_some());
        self.model.lock().unwrap().received(name, call, now, timeout, &messages);
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        assert!(queue.delete(&receipts).await.iter().all(Result::is_ok));
        let mut model = self.model.lock().unwrap();
        messages.iter().for_each(|message| model.end_delete(now, name, &message.id));
        drained.extend(messages.iter().map(|message| message.id.clone()));
        messages
    }
}

/// A client goes away in the middle of a request now and then.
async fn live(client: Client) {
    for _ in 0..40 {
        // A long poll is not waited for.
        let patience = if client.chance.percent(10) { client.chance.below(20) } else { 400 };
        cut_off(patience, client.act()).await;
    }
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order() {
    for_each_seed(200, |seed| run_paused(LIMIT, Simulation::new(seed).run()));
}
