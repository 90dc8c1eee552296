//! How many records a stream takes over the embedded store: `throughput [RECORDS] [CLIENTS] [BYTES] [DIRECTORY]`.
//!
//! Puts of 500 with as many shards as that needs, then of one record each, first by CLIENTS at once and then one after
//! another, then how long a reader that waits takes to see a record, then a whole read of the stream from the store.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::{Stopwatch, SystemClock};
use ids::IdSource;
use store::{Bytes, EmbeddedStore, Store, StoreError, Transaction};
use stream::{NewRecord, Position, PutFailure, ReadLimits, Settings, ShardId, Stream, StreamId, Streams};
use tasks::Tasks;

/// Enough for 40,000 records a second.
const SHARDS: u32 = 40;
const LIMITS: ReadLimits = ReadLimits { records: 10_000, bytes: 10 << 20 };

fn open(directory: &Path, tasks: &Tasks) -> Result<(Arc<EmbeddedStore>, Stream), StoreError> {
    let store = Arc::new(EmbeddedStore::open(directory)?);
    let streams = Streams::new(store.clone(), Arc::new(SystemClock), tasks.clone());
    let settings = Settings { arn: String::new(), retention: Duration::from_secs(86_400) };
    Ok((store, streams.open(StreamId("s".to_owned()), settings)))
}

/// Whether all was accepted; what was throttled is counted, everything else must not happen.
async fn put(stream: &Stream, ids: &IdSource, count: usize, bytes: usize) -> usize {
    let record = || NewRecord {
        partition_key: ids.hex(8),
        explicit_hash_key: None,
        larger_than: None,
        data: Bytes::from(vec![b'x'; bytes]),
    };
    let results = stream.put((0..count).map(|_| record()).collect()).await.expect("the store works");
    results.iter().filter(|result| matches!(result, Err(PutFailure::Throttled(_)))).count()
}

async fn measure(what: &str, stream: &Stream, puts: usize, count: usize, clients: usize, bytes: usize) {
    let tasks = Tasks::new();
    let watch = Stopwatch::start();
    let workers: Vec<_> = (0..clients)
        .map(|_| {
            let (stream, ids) = (stream.clone(), IdSource::from_entropy());
            tasks.spawn("client", async move {
                let mut throttled = 0;
                for _ in 0..puts / clients {
                    throttled += put(&stream, &ids, count, bytes).await;
                }
                throttled
            })
        })
        .collect();
    let mut throttled = 0;
    for worker in workers {
        throttled += worker.await.expect("it does not panic");
    }
    let puts = puts / clients * clients;
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    let (rate, each) = {
        let secs = watch.elapsed().as_secs_f64();
        ((puts * count - throttled) as f64 / secs, secs / puts as f64 * clients as f64 * 1e3)
    };
    println!("{what}: {rate:.0} records/s, {each:.2} ms a put, {throttled} throttled");
}

/// From before a put until a reader that waited has the record, and until the put is answered.
async fn wake_up(stream: &Stream) {
    let tasks = Tasks::new();
    let (mut woken, mut answered) = (Duration::ZERO, Duration::ZERO);
    let rounds = 200;
    for _ in 0..rounds {
        let shard = ShardId(0);
        let from = stream.resolve(shard, Position::Latest).await.expect("the store works");
        let reader = stream.clone();
        let watch = Stopwatch::start();
        let reading = tasks.spawn("reader", async move {
            let read = reader.read_held(shard, from, LIMITS).await.expect("the store works");
            (read.0.records.len(), watch.elapsed())
        });
        tokio::task::yield_now().await;
        let record = NewRecord {
            partition_key: "k".to_owned(),
            explicit_hash_key: Some(0),
            larger_than: None,
            data: Bytes::from_static(b"x"),
        };
        stream.put(vec![record]).await.expect("the store works").remove(0).expect("there is room");
        answered += watch.elapsed();
        woken += reading.await.expect("it does not panic").1;
    }
    println!("put to reader: {:?}, put to answer: {:?}", woken / rounds, answered / rounds);
}

async fn read_all(stream: &Stream) -> usize {
    let mut total = 0;
    for shard in stream.shards().await.expect("the store works") {
        let mut position = Position::TrimHorizon;
        loop {
            let read = stream.read(shard.id, position, LIMITS).await.expect("the store works");
            if read.records.is_empty() {
                break;
            }
            total += read.records.len();
            position = read.next;
        }
    }
    total
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |usual| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (records, clients, bytes) = (number(100_000), number(8), number(200));
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = std::env::args().nth(4).map_or(temporary.path().to_owned(), Into::into);
    let tasks = Tasks::new();
    let (store, stream) = open(&directory, &tasks)?;
    let mut shards = stream.prepare_shards(SHARDS);
    let mut transaction = Transaction::new();
    shards.join(&mut transaction);
    store.commit(transaction).await.expect("the store works");
    shards.committed();
    measure("puts of 500", &stream, records / 500, 500, clients, bytes).await;
    measure("puts of 500, one by one", &stream, records / 500, 500, 1, bytes).await;
    measure("puts of 1", &stream, 10_000, 1, 64, bytes).await;
    measure("puts of 1, one by one", &stream, 1_000, 1, 1, bytes).await;
    wake_up(&stream).await;
    drop((store, stream));
    tasks.drain().await;
    let (_store, stream) = open(&directory, &Tasks::new())?;
    let watch = Stopwatch::start();
    println!("{} records read after {:?}", read_all(&stream).await, watch.elapsed());
    Ok(())
}
