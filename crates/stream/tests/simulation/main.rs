//! Whole lives of streams, drawn from a seed: many clients at once, a store that fails, servers that are killed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actor;
mod model;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use simulator::{Chance, FaultyStore, cut_off, for_each_seed, pass_turns, run_paused};
use store::{MemoryStore, Store, Transaction, key, prefix_end};
use stream::{NewRecord, Position, ReadLimits, SequenceNumber, Settings, ShardId, Stream, StreamId, Streams};
use targets::Prepared;
use tasks::Tasks;

use crate::actor::{Client, END, Followed};
use crate::model::Model;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// How often the store fails while it does, in a hundred times.
const FAULT_PERCENT: u64 = 3;
/// Nothing takes long, but for what is tried again.
const LIMIT: Duration = Duration::from_secs(3_600);

struct Simulation {
    chance: Chance,
    disk: Arc<MemoryStore>,
    clock: Arc<VirtualClock>,
    model: Arc<Mutex<Model>>,
    cursors: Arc<Mutex<BTreeMap<ShardId, Position>>>,
    is_short_lived: bool,
    is_faulty: bool,
}

/// One run of the server.
struct Server {
    store: Arc<FaultyStore>,
    tasks: Tasks,
    streams: Streams,
    stream: Stream,
    settings: Settings,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let is_short_lived = chance.percent(40);
        let retention = Duration::from_secs(if is_short_lived { 60 } else { 86_400 });
        Self {
            is_faulty: chance.percent(70),
            disk: Arc::new(MemoryStore::new()),
            clock: Arc::new(VirtualClock::new(START)),
            model: Arc::new(Mutex::new(Model::new(retention))),
            cursors: Arc::default(),
            is_short_lived,
            chance,
        }
    }

    fn start(&self) -> Server {
        let store = Arc::new(FaultyStore::new(self.disk.clone(), self.chance.split()));
        store.fail(if self.is_faulty { FAULT_PERCENT } else { 0 });
        let tasks = Tasks::new();
        // Sometimes so little memory that nearly everything is read from the store.
        let room = if self.chance.percent(50) { 1_000 } else { 1 << 20 };
        let streams = Streams::tight(room, store.clone(), self.clock.clone(), tasks.clone());
        let retention = self.model.lock().unwrap().retention;
        let settings = Settings { arn: String::new(), retention };
        let stream = streams.open(StreamId("s".to_owned()), settings.clone());
        Server { store, tasks, streams, stream, settings }
    }

    fn client(&self, server: &Server) -> Client {
        Client {
            clock: self.clock.clone(),
            store: server.store.clone(),
            tasks: server.tasks.clone(),
            chance: self.chance.split(),
            model: self.model.clone(),
            streams: server.streams.clone(),
            stream: server.stream.clone(),
            settings: server.settings.clone(),
            cursors: self.cursors.clone(),
        }
    }

    async fn commit(&self, mut prepared: Prepared) {
        let mut transaction = Transaction::new();
        prepared.join(&mut transaction);
        self.disk.commit(transaction).await.unwrap();
        prepared.committed();
    }

    async fn run(mut self) -> usize {
        let shards = u32::try_from(1 + self.chance.below(4)).unwrap();
        let first = self.start();
        self.commit(first.stream.prepare_shards(shards)).await;
        first.tasks.announce_shutdown();
        for life in 0..3 {
            let server = self.start();
            let followed = Followed::default();
            let follower = self.client(&server).follow(followed.clone());
            server.tasks.spawn_until_shutdown("follower", follower);
            let clients: Vec<_> = (0..2 + self.chance.below(4))
                .map(|_| live(self.client(&server)))
                .map(|life| server.tasks.spawn("client", life))
                .collect();
            let is_killed = life < 2 && self.chance.percent(50);
            if is_killed {
                self.chance.dawdle(300).await;
                clients.iter().for_each(tokio::task::JoinHandle::abort);
            } else {
                for client in clients {
                    client.await.unwrap();
                }
                server.store.fail(0);
                pass_turns(1_000).await;
                self.check_followed(&server, &followed).await;
            }
            server.store.kill();
            server.tasks.announce_shutdown();
            pass_turns(1_000).await;
            let goes_back = !self.is_short_lived && self.chance.percent(30);
            let back = Duration::from_millis(if goes_back { self.chance.below(30_000) } else { 0 });
            // The clock of the dead stands still: they hold it for ever.
            self.clock = Arc::new(VirtualClock::new(self.clock.now() - back));
        }
        self.drain().await;
        self.model.lock().unwrap().accepted()
    }

    /// Nobody who waits was forgotten.
    async fn check_followed(&self, server: &Server, followed: &Followed) {
        for shard in server.stream.shards().await.unwrap() {
            let last = self.model.lock().unwrap().last_accepted(shard.id, self.clock.now());
            let reached = followed.lock().unwrap().get(&shard.id).copied();
            let last = if shard.closed.is_some() { Some(END) } else { last };
            assert!(reached >= last.or(Some(SequenceNumber(0))), "{} of {last:?} at {reached:?}", shard.id);
        }
    }

    async fn rows(&self, table: &str) -> usize {
        let table = key(&[table.into(), "s".into()]);
        let snapshot = self.disk.snapshot().await.unwrap();
        snapshot.range(&table, &prefix_end(&table), usize::MAX, false).await.unwrap().len()
    }

    /// All that must be there is, and nothing else.
    async fn drain(&self) {
        let server = self.start();
        server.store.fail(0);
        let shards = server.stream.shards().await.unwrap();
        self.model.lock().unwrap().end_shards(&shards);
        for shard in &shards {
            let (mut position, mut from, mut all) = (Position::TrimHorizon, SequenceNumber(0), Vec::new());
            let asked = self.model.lock().unwrap().ask(self.clock.now());
            loop {
                let limits = ReadLimits { records: 10, bytes: 1 << 20 };
                let mut read = server.stream.read(shard.id, position, limits).await.unwrap();
                position = read.next;
                let is_last = read.records.is_empty();
                all.append(&mut read.records);
                if is_last {
                    assert_eq!(read.is_end, shard.closed.is_some());
                    read.records = all;
                    let mut model = self.model.lock().unwrap();
                    model.end_read(asked, self.clock.now(), shard.id, from, &read, true);
                    break;
                }
                from = SequenceNumber(0);
            }
        }
        self.expire(&server).await;
        self.commit(server.stream.prepare_remove()).await;
        pass_turns(1_000).await;
        let left = self.disk.snapshot().await.unwrap().range(&[], &[0xff], usize::MAX, false).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        server.tasks.announce_shutdown();
    }

    /// What has expired leaves nothing behind.
    async fn expire(&self, server: &Server) {
        // So that what a put left that never came to its end goes with it.
        self.clock.advance_to(self.clock.now() + Duration::from_secs(60)).await;
        for shard in server.stream.shards().await.unwrap() {
            let record = NewRecord {
                partition_key: "last".to_owned(),
                explicit_hash_key: Some(*shard.hash_keys.start()),
                larger_than: None,
                data: self.model.lock().unwrap().begin_put("last", *shard.hash_keys.start()).into(),
            };
            assert!(server.stream.put(vec![record]).await.unwrap()[0].is_ok());
        }
        self.clock.advance_to(self.clock.now() + 40 * Duration::from_secs(86_400)).await;
        server.streams.trim().await;
        assert_eq!((self.rows("stream-record").await, self.rows("stream-part").await), (0, 0));
        let shards = server.stream.shards().await.unwrap();
        assert!(shards.iter().all(|shard| shard.closed.is_none()));
        assert_eq!(self.rows("stream-shard").await, shards.len());
    }
}

/// A client goes away in the middle of a request now and then.
async fn live(client: Client) {
    for _ in 0..40 {
        // Whoever waits for a record is not waited for.
        let patience = if client.chance.percent(10) { client.chance.below(20) } else { 400 };
        cut_off(patience, client.act()).await;
    }
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order() {
    let (mut accepted, mut lives) = (0, 0);
    for_each_seed(40, |seed| {
        accepted += run_paused(LIMIT, Simulation::new(seed).run());
        lives += 1;
    });
    // It would all be true if nothing ever happened.
    assert!(accepted > 20 * lives, "{accepted}");
}
