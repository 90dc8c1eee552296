//! Mappings of a stream over a memory store, a virtual clock, and fakes for all that they talk to.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::{Clock, Timestamp, VirtualClock};
use event_source::{
    Batch, EventSources, EventSourcesParts, FindQueue, FindStream, FunctionInfo, Functions, Invoked, Mapping,
    Polling, Ran, Start, State, StreamPolling,
};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use queue::Queue;
use serde_json::Value;
use simulator::attempted;
use store::{MemoryStore, Mutation, SharedStore, Store, Transaction};
use stream::{NewRecord, ShardId, Stream, StreamId, Streams};
use targets::{
    FailedEvent, FunctionEvent, InvokeFunction, MetricSource, Ports, Prepared, PublishToTopic, QueueInfo,
    QueueMessage, RecordMetrics, RecordTrace, SendToQueue, Settled, Step, TargetError, Targets, TopicInfo,
    TopicMessage, Unit,
};
use tasks::Tasks;
use tokio::runtime::Runtime;
use tokio::sync::{RwLock, watch};

/// A moment at which windows of a minute begin.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Explicit hash keys of the first and the second half.
pub(crate) const LOW: u128 = 0;
pub(crate) const HIGH: u128 = u128::MAX;

pub(crate) fn arn(service: &str, name: &str) -> Arn {
    Arn::parse(&format!("arn:aws:{service}:eu-central-1:000000000000:{name}")).unwrap()
}

fn metric_source() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}

/// A batch as the function saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) event: Value,
    /// Since the start.
    pub(crate) at: Duration,
}

impl Call {
    pub(crate) fn data(&self) -> Vec<String> {
        let records = self.event["Records"].as_array().unwrap();
        let text = |record: &Value| {
            let data = STANDARD.decode(record["kinesis"]["data"].as_str().unwrap()).unwrap();
            String::from_utf8(data).unwrap()
        };
        records.iter().map(text).collect()
    }

    pub(crate) fn has(&self, data: &str) -> bool {
        self.data().iter().any(|one| one == data)
    }

    /// The sequence number of the record with this data.
    pub(crate) fn number_of(&self, data: &str) -> String {
        let index = self.data().iter().position(|one| one == data).unwrap();
        self.event["Records"][index]["kinesis"]["sequenceNumber"].as_str().unwrap().to_owned()
    }

    /// Data, joined by commas.
    pub(crate) fn text(&self) -> String {
        self.data().join(",")
    }
}

/// What a function does.
pub(crate) enum Does {
    Answers(String),
    Fails,
    IsThrottled,
    NeverReturns,
}

pub(crate) fn ok() -> Does {
    Does::Answers("null".to_owned())
}

type Behaviour = Arc<dyn Fn(&Call) -> Does + Send + Sync>;

/// What survives processes.
pub(crate) struct Outside {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<MemoryStore>,
    behaviour: Mutex<Behaviour>,
    /// While it is locked for writing, functions take their time.
    pub(crate) gate: RwLock<()>,
    pub(crate) calls: Mutex<Vec<Call>>,
    /// Streams by name, and which of their makes it is.
    streams: Mutex<BTreeMap<String, u32>>,
    pub(crate) retention: Mutex<Duration>,
    pub(crate) is_gone: Mutex<bool>,
    /// Whether the consumer has gone that the mapping reads as.
    pub(crate) is_deregistered: watch::Sender<bool>,
    /// Instead of accepting.
    pub(crate) refusal: Mutex<Option<TargetError>>,
    /// What receivers were told is theirs: where, and what.
    pub(crate) delivered: Mutex<Vec<(String, Value)>>,
    pub(crate) figures: Mutex<BTreeMap<&'static str, Vec<f64>>>,
    pub(crate) steps: Mutex<Vec<Step>>,
    number: AtomicU64,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside")
    }
}

impl Outside {
    fn since_start(&self) -> Duration {
        self.clock.now().saturating_since(START)
    }

    fn prepare(self: &Arc<Self>, to: &Arn, body: &str) -> Result<Prepared, TargetError> {
        if let Some(error) = self.refusal.lock().unwrap().clone() {
            return Err(error);
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let key = store::key(&["delivered".into(), number.into()]);
        let part = Transaction::new().mutate(Mutation::Put(key, Bytes::copy_from_slice(body.as_bytes())));
        let (outside, to) = (self.clone(), to.to_string());
        let body = serde_json::from_str(body).unwrap();
        Ok(Prepared::new(format!("m-{number}"), part, move |settled| {
            if settled == Settled::Committed {
                outside.delivered.lock().unwrap().push((to, body));
            }
        }))
    }
}

#[derive(Debug, Clone)]
struct Fakes(Arc<Outside>);

#[async_trait]
impl Functions for Fakes {
    async fn function(&self, _function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        let info = FunctionInfo {
            timeout: Duration::from_secs(3),
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            metrics: metric_source(),
        };
        Ok((!*self.0.is_gone.lock().unwrap()).then_some(info))
    }

    async fn invoke(&self, batch: Batch) -> Invoked {
        assert!(batch.payload.len() <= 6 << 20, "the event is too large");
        let event = serde_json::from_slice(&batch.payload).unwrap();
        let call = Call { event, at: self.0.since_start() };
        self.0.calls.lock().unwrap().push(call.clone());
        let _open = self.0.gate.read().await;
        tokio::task::yield_now().await;
        let behaviour = self.0.behaviour.lock().unwrap().clone();
        let (payload, error) = match behaviour(&call) {
            Does::Answers(payload) => (payload, None),
            Does::Fails => ("{}".to_owned(), Some(("Oops".to_owned(), "no".to_owned()))),
            Does::IsThrottled => return Invoked::Throttled,
            Does::NeverReturns => return std::future::pending().await,
        };
        Invoked::Ran(Box::new(Ran {
            request_id: format!("request-{}", self.0.number.fetch_add(1, Ordering::Relaxed)),
            attempted: attempted(error.clone()),
            executed_version: "$LATEST".to_owned(),
            payload: payload.into(),
            error,
        }))
    }
}

#[derive(Debug, Clone)]
struct Found {
    outside: Arc<Outside>,
    streams: Streams,
}

impl Found {
    fn open(&self, name: &str) -> Option<Stream> {
        let make = *self.outside.streams.lock().unwrap().get(name)?;
        let settings = stream::Settings {
            arn: arn("kinesis", &format!("stream/{name}")).to_string(),
            retention: *self.outside.retention.lock().unwrap(),
        };
        Some(self.streams.open(StreamId(format!("{name}-{make}")), settings))
    }
}

#[async_trait]
impl FindStream for Found {
    async fn stream(&self, arn: &Arn) -> Result<Option<Stream>, TargetError> {
        let found = self.open(arn.resource.split('/').nth(1).unwrap());
        Ok(found.filter(|_| !*self.outside.is_deregistered.borrow()))
    }

    async fn deregistered(&self, _arn: &Arn) {
        self.outside.is_deregistered.subscribe().wait_for(|is_so| *is_so).await.unwrap();
    }
}

#[async_trait]
impl FindQueue for Found {
    async fn queue(&self, _arn: &Arn) -> Result<Option<Queue>, TargetError> {
        Ok(None)
    }
}

#[async_trait]
impl SendToQueue for Fakes {
    async fn queue(&self, _queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        assert_eq!(message.sender_id, "f");
        self.0.prepare(queue, &message.body)
    }
}

#[async_trait]
impl PublishToTopic for Fakes {
    async fn topic(&self, _topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_publication(&self, topic: &Arn, message: TopicMessage) -> Result<Prepared, TargetError> {
        self.0.prepare(topic, &message.message)
    }
}

#[async_trait]
impl InvokeFunction for Fakes {
    async fn function_exists(&self, _function: &FunctionArn) -> Result<bool, TargetError> {
        Ok(true)
    }

    async fn prepare_event(&self, _: &FunctionArn, _: FunctionEvent) -> Result<Prepared, TargetError> {
        Err(TargetError::Refused("not here".to_owned()))
    }
}

impl RecordTrace for Fakes {
    fn record(&self, step: Step) {
        self.0.steps.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, _event: FailedEvent) {}
}

impl RecordMetrics for Fakes {
    fn record(&self, _source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let mut figures = self.0.figures.lock().unwrap();
        for (name, _, value) in values {
            figures.entry(name).or_default().push(*value);
        }
    }
}

/// One life of the mappings, and what survives it.
pub(crate) struct World {
    pub(crate) outside: Arc<Outside>,
    pub(crate) mappings: EventSources,
    tasks: Tasks,
    found: Found,
    /// All tasks end with it.
    runtime: Runtime,
}

impl World {
    /// With the stream `s` of so many shards.
    pub(crate) fn new(shards: u32) -> Self {
        let outside = Arc::new(Outside {
            clock: Arc::new(VirtualClock::new(START)),
            store: Arc::new(MemoryStore::new()),
            behaviour: Mutex::new(Arc::new(|_| ok())),
            gate: RwLock::default(),
            calls: Mutex::default(),
            streams: Mutex::default(),
            retention: Mutex::new(Duration::from_secs(86_400)),
            is_gone: Mutex::default(),
            is_deregistered: watch::Sender::new(false),
            refusal: Mutex::default(),
            delivered: Mutex::default(),
            figures: Mutex::default(),
            steps: Mutex::default(),
            number: AtomicU64::default(),
        });
        let world = Self::start(outside);
        world.make_stream(shards);
        world
    }

    fn start(outside: Arc<Outside>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entered = runtime.enter();
        let tasks = Tasks::new();
        let store: SharedStore = outside.store.clone();
        let ids = Arc::new(IdSource::seeded(1));
        let streams = Streams::new(store.clone(), outside.clock.clone(), tasks.clone());
        let found = Found { outside: outside.clone(), streams };
        let fakes = || Arc::new(Fakes(outside.clone()));
        let targets = Targets::default();
        targets.fill(Ports { queues: fakes(), topics: fakes(), functions: fakes() });
        let mappings = EventSources::new(EventSourcesParts {
            store,
            clock: outside.clock.clone(),
            ids,
            tasks: tasks.clone(),
            queues: Arc::new(found.clone()),
            streams: Arc::new(found.clone()),
            targets,
            metrics: fakes(),
            trace: fakes(),
        });
        mappings.start(fakes());
        drop(entered);
        Self { outside, mappings, tasks, found, runtime }
    }

    /// Nothing here takes long: what waits for ever fails.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let limited = async { clock::execution_timeout(Duration::from_secs(20), future).await };
        self.runtime.block_on(limited).unwrap()
    }

    /// Makes the stream, anew if there was one.
    pub(crate) fn make_stream(&self, shards: u32) {
        *self.outside.streams.lock().unwrap().entry("s".to_owned()).or_default() += 1;
        let _entered = self.runtime.enter();
        let mut prepared = self.stream().prepare_shards(shards);
        let mut transaction = Transaction::new();
        prepared.join(&mut transaction);
        self.block_on(self.outside.store.commit(transaction)).unwrap();
        prepared.committed();
    }

    pub(crate) fn remove_stream(&self) {
        let _entered = self.runtime.enter();
        let mut prepared = self.stream().prepare_remove();
        let mut transaction = Transaction::new();
        prepared.join(&mut transaction);
        self.block_on(self.outside.store.commit(transaction)).unwrap();
        prepared.committed();
    }

    pub(crate) fn stream(&self) -> Stream {
        self.found.open("s").unwrap()
    }

    pub(crate) fn split(&self, shard: u32, at: u128) {
        self.block_on(self.stream().split(ShardId(shard), at)).unwrap();
        self.quiet();
    }

    pub(crate) fn merge(&self, shard: u32, adjacent: u32) {
        self.block_on(self.stream().merge(ShardId(shard), ShardId(adjacent))).unwrap();
        self.quiet();
    }

    /// Ends this process in an orderly way, and begins another one.
    pub(crate) fn restart(self) -> Self {
        self.block_on(self.tasks.drain());
        self.kill()
    }

    /// Ends this process at once, and begins another one.
    pub(crate) fn kill(self) -> Self {
        let Self { outside, runtime, .. } = self;
        drop(runtime);
        let world = Self::start(outside);
        world.quiet();
        world
    }

    pub(crate) fn behave(&self, behaviour: impl Fn(&Call) -> Does + Send + Sync + 'static) {
        *self.outside.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    /// Puts a record, and returns when all is quiet.
    pub(crate) fn put(&self, key: &str, data: &str) {
        self.put_at(None, &[(key, data)]);
    }

    pub(crate) fn put_all(&self, data: &[&str]) {
        self.put_at(None, &data.iter().map(|data| ("key", *data)).collect::<Vec<_>>());
    }

    /// Puts records, for the shard with this hash key if there is one.
    pub(crate) fn put_at(&self, hash_key: Option<u128>, records: &[(&str, &str)]) {
        let record = |(key, data): &(&str, &str)| NewRecord {
            partition_key: (*key).to_owned(),
            explicit_hash_key: hash_key,
            larger_than: None,
            data: Bytes::copy_from_slice(data.as_bytes()),
        };
        let puts = self.block_on(self.stream().put(records.iter().map(record).collect())).unwrap();
        assert!(puts.iter().all(Result::is_ok), "{puts:?}");
        self.quiet();
    }

    /// Makes a mapping, and returns when it is enabled.
    pub(crate) fn create(&self, change: impl FnOnce(&mut Mapping, &mut StreamPolling)) {
        self.block_on(self.mappings.create(mapping(change))).unwrap();
        self.quiet();
    }

    pub(crate) fn get(&self) -> Option<Mapping> {
        let Mapping { account, region, uuid, .. } = mapping(|_, _| {});
        self.block_on(self.mappings.get(&account, &region, &uuid)).ok()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Mapping, &mut StreamPolling) + Send) {
        self.update_without_waiting(change);
        self.quiet();
    }

    pub(crate) fn update_without_waiting(
        &self,
        change: impl FnOnce(&mut Mapping, &mut StreamPolling) + Send,
    ) {
        let seen = self.get().unwrap();
        let change = |mapping: &mut Mapping| {
            let Polling::Stream(mut polling) = mapping.polling.clone() else { panic!("not a stream's") };
            change(mapping, &mut polling);
            mapping.polling = Polling::Stream(polling);
        };
        self.block_on(self.mappings.update(&seen, change)).unwrap();
    }

    pub(crate) fn delete(&self) {
        let Mapping { account, region, uuid, .. } = mapping(|_, _| {});
        self.block_on(self.mappings.delete(&account, &region, &uuid)).unwrap();
        self.quiet();
    }

    /// Moves to so many seconds since the start.
    pub(crate) fn advance_to(&self, secs: u64) {
        self.advance_to_millis(secs * 1_000);
    }

    pub(crate) fn advance_to_millis(&self, millis: u64) {
        self.block_on(self.outside.clock.advance_to(START + Duration::from_millis(millis)));
        self.quiet();
    }

    /// Until nobody does anything any more.
    pub(crate) fn quiet(&self) {
        self.block_on(async {
            for _ in 0..20 {
                self.outside.clock.quiet().await;
                tokio::task::yield_now().await;
            }
        });
    }

    /// Gives all tasks a turn, whatever they wait for.
    pub(crate) fn take_turns(&self) {
        self.block_on(async {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        });
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.outside.calls.lock().unwrap().clone()
    }

    /// All batches so far, with the second of each: `0 a,b`.
    pub(crate) fn story(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.at.as_secs(), call.text())).collect()
    }

    /// The batches so far.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.calls().iter().map(Call::text).collect()
    }

    /// The batches since the last time.
    pub(crate) fn new_texts(&self) -> Vec<String> {
        let texts = self.texts();
        self.outside.calls.lock().unwrap().clear();
        texts
    }

    pub(crate) fn delivered(&self) -> Vec<(String, Value)> {
        self.outside.delivered.lock().unwrap().clone()
    }

    /// What was recorded of a figure, summed up.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.outside.figures.lock().unwrap().get(name).map_or(0.0, |values| values.iter().sum())
    }

    pub(crate) fn rows(&self, table: &str) -> usize {
        let from = store::key(&[table.into()]);
        let rows = async {
            let snapshot = self.outside.store.snapshot().await.unwrap();
            snapshot.range(&from, &store::prefix_end(&from), usize::MAX, false).await.unwrap().len()
        };
        self.block_on(rows)
    }
}

/// A mapping of the stream `s`.
fn mapping(change: impl FnOnce(&mut Mapping, &mut StreamPolling)) -> Mapping {
    let mut polling = StreamPolling {
        start: Start::TrimHorizon,
        parallelization_factor: 1,
        bisects_batch_on_function_error: false,
        maximum_retry_attempts: None,
        maximum_record_age: None,
        tumbling_window: Duration::ZERO,
        on_failure: None,
    };
    let mut mapping = Mapping {
        uuid: "4d9a9c2f-0000-4000-8000-000000000000".to_owned(),
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        source: arn("kinesis", "stream/s"),
        function: FunctionArn::parse(&arn("lambda", "function:f").to_string()).unwrap(),
        is_enabled: true,
        batch_size: 100,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: false,
        counts_events: true,
        polling: Polling::Stream(polling.clone()),
        state: State::Creating,
        state_reason: "User action".to_owned(),
        last_processing_result: Some("No records processed".to_owned()),
        last_modified: START,
        revision: 0,
    };
    change(&mut mapping, &mut polling);
    mapping.polling = Polling::Stream(polling);
    mapping
}
