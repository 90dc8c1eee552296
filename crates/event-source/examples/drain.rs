//! How fast a mapping is over the embedded store: `drain [MESSAGES] [DIRECTORY]`.
//!
//! First, one message after the other is sent to an idle mapping, and the time until the function is called is taken; then
//! a backlog of MESSAGES of 1 KiB is handled in batches of 10 by a function that takes 1 ms; then as many of 100 groups of
//! a FIFO queue.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clock::{Stopwatch, SystemClock, Timestamp, execution_sleep};
use event_source::{
    Batch, EventSources, EventSourcesParts, FindQueue, FindStream, FunctionInfo, Functions, Invoked, Mapping,
    Polling, QueuePolling, Ran, State,
};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use queue::{DeduplicationScope, Fifo, NewMessage, Queue, QueueId, Queues, Settings, ThroughputLimit};
use store::EmbeddedStore;
use targets::{
    Attempted, FailedEvent, MetricSource, RecordMetrics, RecordTrace, Step, TargetError, Targets, Unit,
};
use tasks::Tasks;
use tokio::sync::Notify;

const GROUPS: usize = 100;

#[derive(Debug, Default)]
struct World {
    handled: AtomicUsize,
    called: Notify,
    done: Notify,
    is_slow: AtomicBool,
}

#[async_trait]
impl Functions for World {
    async fn function(&self, _function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        Ok(None)
    }

    async fn invoke(&self, batch: Batch) -> Invoked {
        self.called.notify_one();
        if self.is_slow.load(Ordering::Relaxed) {
            execution_sleep(Duration::from_millis(1)).await;
        }
        let records = batch.payload.windows(12).filter(|window| window == b"\"messageId\":").count();
        self.handled.fetch_add(records, Ordering::Relaxed);
        self.done.notify_one();
        let attempted = Attempted {
            number: 0,
            version: String::new(),
            duration: Duration::ZERO,
            cold: false,
            error: None,
            failed_items: 0,
            log_group: String::new(),
            log_stream: String::new(),
        };
        let (request_id, executed_version) = (String::new(), String::new());
        let payload = "null".into();
        Invoked::Ran(Box::new(Ran { request_id, attempted, executed_version, payload, error: None }))
    }
}

impl RecordMetrics for World {
    fn record(&self, _source: &Arc<MetricSource>, _at: Timestamp, _values: &[(&'static str, Unit, f64)]) {}
}

impl RecordTrace for World {
    fn record(&self, _step: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _event: FailedEvent) {}
}

#[async_trait]
impl FindStream for World {
    async fn stream(&self, _arn: &Arn) -> Result<Option<stream::Stream>, TargetError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct Open(Queues);

#[async_trait]
impl FindQueue for Open {
    async fn queue(&self, arn: &Arn) -> Result<Option<Queue>, TargetError> {
        Ok(Some(open(&self.0, arn)))
    }
}

fn open(queues: &Queues, arn: &Arn) -> Queue {
    let fifo = Fifo {
        content_based_deduplication: false,
        deduplication_scope: DeduplicationScope::Queue,
        throughput_limit: ThroughputLimit::PerQueue,
    };
    let settings = Settings {
        arn: arn.to_string(),
        fifo: arn.resource.ends_with(".fifo").then_some(fifo),
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: Duration::from_secs(4 * 24 * 3600),
        dead_letter: None,
    };
    queues.open(QueueId(arn.resource.clone()), settings)
}

fn arn(name: &str) -> Arn {
    Arn::parse(&format!("arn:aws:sqs:eu-central-1:000000000000:{name}")).expect("an ARN")
}

fn mapping(queue: &str) -> Mapping {
    let account = AccountId::parse("000000000000").expect("an account");
    let region = Region::parse("eu-central-1").expect("a region");
    let (name, qualifier) = ("f".to_owned(), None);
    let fifo = queue.ends_with(".fifo");
    Mapping {
        uuid: queue.to_owned(),
        function: FunctionArn { region: region.clone(), account: account.clone(), name, qualifier },
        account,
        region,
        source: arn(queue),
        is_enabled: true,
        batch_size: 10,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: false,
        counts_events: false,
        polling: Polling::Queue(QueuePolling { fifo, ..QueuePolling::default() }),
        state: State::Creating,
        state_reason: String::new(),
        last_processing_result: None,
        last_modified: Timestamp::UNIX_EPOCH,
        revision: 0,
    }
}

fn message(ids: &IdSource, group: Option<usize>) -> NewMessage {
    let id = ids.request_id().to_string();
    NewMessage {
        deduplication_id: group.map(|_| id.clone()),
        group_id: group.map(|group| group.to_string()),
        id,
        body: "x".repeat(1_024),
        ..NewMessage::default()
    }
}

async fn fill(queue: &Queue, ids: &IdSource, messages: usize, fifo: bool) {
    for start in (0..messages).step_by(10) {
        let batch = (start..messages.min(start + 10)).map(|n| message(ids, fifo.then_some(n % GROUPS)));
        for result in queue.send(batch.collect()).await {
            result.expect("the store works");
        }
    }
}

async fn drained(world: &World, messages: usize) -> Duration {
    let watch = Stopwatch::start();
    while world.handled.load(Ordering::Relaxed) < messages {
        world.done.notified().await;
    }
    watch.elapsed()
}

async fn measure(directory: &Path, messages: usize) {
    let (tasks, ids, world) = (Tasks::new(), Arc::new(IdSource::from_entropy()), Arc::new(World::default()));
    let store = Arc::new(EmbeddedStore::open(directory).expect("a directory"));
    let queues = Queues::new(store.clone(), Arc::new(SystemClock), ids.clone(), tasks.clone(), world.clone());
    let sources = EventSources::new(EventSourcesParts {
        store,
        clock: Arc::new(SystemClock),
        ids: ids.clone(),
        tasks: tasks.clone(),
        queues: Arc::new(Open(queues.clone())),
        streams: world.clone(),
        targets: Targets::default(),
        metrics: world.clone(),
        trace: world.clone(),
    });
    sources.start(world.clone());
    sources.create(mapping("idle")).await.expect("the store works");
    let idle = open(&queues, &arn("idle"));
    let mut times = Vec::new();
    for _ in 0..200 {
        execution_sleep(Duration::from_millis(5)).await;
        let watch = Stopwatch::start();
        fill(&idle, &ids, 1, false).await;
        world.called.notified().await;
        times.push(watch.elapsed());
    }
    times.sort_unstable();
    println!("from the send until the function is called: p50 {:?}, p99 {:?}", times[100], times[198]);
    world.is_slow.store(true, Ordering::Relaxed);
    for name in ["standard", "groups.fifo"] {
        fill(&open(&queues, &arn(name)), &ids, messages, name.ends_with(".fifo")).await;
        world.handled.store(0, Ordering::Relaxed);
        sources.create(mapping(name)).await.expect("the store works");
        println!("{messages} messages of {name}: {:?}", drained(&world, messages).await);
    }
    tasks.drain().await;
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let messages = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let usual = std::env::temp_dir().join(format!("drain-{}", std::process::id()));
    let directory = arguments.next().map_or(usual, Into::into);
    measure(&directory, messages).await;
}
