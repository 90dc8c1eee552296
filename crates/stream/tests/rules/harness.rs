//! A stream over a store in memory and a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use store::{Bytes, CommitError, MemoryStore, SharedStore, Store, Transaction};
use stream::{NewRecord, Position, Put, ReadLimits, Record, Settings, ShardId, Stream, StreamId, Streams};
use targets::Prepared;
use tasks::Tasks;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const ALL: ReadLimits = ReadLimits { records: 10_000, bytes: 10 << 20 };
pub(crate) const FIRST: ShardId = ShardId(0);

pub(crate) struct Harness {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) tasks: Tasks,
    pub(crate) streams: Streams,
    pub(crate) stream: Stream,
}

pub(crate) fn settings() -> Settings {
    Settings { arn: "arn:aws:kinesis:eu-central-1:123456789012:stream/s".to_owned(), retention: DAY }
}

pub(crate) fn id() -> StreamId {
    StreamId("s".to_owned())
}

impl Harness {
    /// A stream with so many shards.
    pub(crate) async fn new(shards: u32) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(VirtualClock::new(START)));
        let harness = Self::over(store, clock, 1 << 20);
        harness.commit(harness.stream.prepare_shards(shards)).await;
        harness
    }

    /// A start of the server.
    pub(crate) fn over(store: Arc<MemoryStore>, clock: Arc<VirtualClock>, room: usize) -> Self {
        Self::with(settings(), store, clock, room)
    }

    fn with(settings: Settings, store: Arc<MemoryStore>, clock: Arc<VirtualClock>, room: usize) -> Self {
        let tasks = Tasks::new();
        let streams = Streams::tight(room, store.clone(), clock.clone(), tasks.clone());
        let stream = streams.open(id(), settings);
        Self { store, clock, tasks, streams, stream }
    }

    /// The server ends and starts again.
    pub(crate) fn restart(self) -> Self {
        self.restart_with(settings())
    }

    pub(crate) fn restart_with(self, settings: Settings) -> Self {
        self.tasks.announce_shutdown();
        Self::with(settings, self.store, self.clock, 1 << 20)
    }

    pub(crate) async fn commit(&self, mut prepared: Prepared) {
        let mut transaction = Transaction::new();
        prepared.join(&mut transaction);
        let store: SharedStore = self.store.clone();
        store.commit(transaction).await.unwrap();
        prepared.committed();
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance_to(self.clock.now() + by).await;
    }

    pub(crate) async fn put_one(&self, key: &str, data: &str) -> Put {
        self.stream.put(vec![record(key, data)]).await.unwrap().remove(0).unwrap()
    }

    /// All data from there to the tip.
    pub(crate) async fn data(&self, shard: ShardId, from: Position) -> Vec<String> {
        self.records(shard, from).await.iter().map(|record| text(&record.data)).collect()
    }

    pub(crate) async fn records(&self, shard: ShardId, from: Position) -> Vec<Record> {
        self.stream.read(shard, from, ALL).await.unwrap().records
    }

    /// How many rows there are of all streams.
    pub(crate) async fn rows(&self) -> usize {
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.range(&[], &[0xff], usize::MAX, false).await.unwrap().len()
    }
}

pub(crate) fn record(key: &str, data: &str) -> NewRecord {
    NewRecord {
        partition_key: key.to_owned(),
        explicit_hash_key: None,
        larger_than: None,
        data: Bytes::copy_from_slice(data.as_bytes()),
    }
}

pub(crate) fn text(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).unwrap()
}

pub(crate) fn unknown() -> CommitError {
    CommitError::Unknown("lost".to_owned())
}

/// What goes on in the background has its turn.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// What a task answers that must not wait any more.
pub(crate) async fn soon<T>(task: tokio::task::JoinHandle<T>) -> T {
    let limit = Duration::from_secs(20);
    clock::execution_timeout(limit, task).await.expect("it waits for nothing").unwrap()
}
