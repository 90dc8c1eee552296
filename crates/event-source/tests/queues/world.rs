//! Mappings of queues over a store in memory, with time in hand and a function that does as it is told.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use clock::{Clock, Timestamp, VirtualClock};
use event_source::{
    Batch, EventSources, EventSourcesParts, FindQueue, FindStream, FunctionInfo, Functions, Invoked, Mapping,
    MappingError, Page, Polling, QueuePolling, Ran, State,
};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use queue::{
    DeadLetter, DeduplicationScope, Fifo, NewMessage, Poll, Queue, QueueId, Queues, Settings, ThroughputLimit,
};
use serde_json::Value;
use simulator::attempted;
use store::MemoryStore;
use stream::Stream;
use targets::{
    FailedEvent, MetricSource, RecordMetrics, RecordTrace, Step, TargetError, Targets, Unit, What,
};
use tasks::Tasks;
use tokio::sync::RwLock;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// The function's.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("000000000000").unwrap()
}

pub(crate) fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

pub(crate) fn arn(name: &str) -> Arn {
    Arn::parse(&format!("arn:aws:sqs:eu-central-1:000000000000:{name}")).unwrap()
}

pub(crate) fn function(name: &str) -> FunctionArn {
    FunctionArn { region: region(), account: account(), name: name.to_owned(), qualifier: None }
}

/// A batch as the function saw it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) event: Value,
    pub(crate) trace_headers: Vec<String>,
    /// Since the start.
    pub(crate) at: Duration,
}

impl Call {
    fn new(batch: &Batch, at: Duration) -> Self {
        let event = serde_json::from_slice(&batch.payload).unwrap();
        Self { event, trace_headers: batch.trace_headers.clone(), at }
    }

    fn all(&self, field: &str) -> Vec<String> {
        let records = self.event["Records"].as_array().unwrap();
        records.iter().map(|record| record[field].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.all("body")
    }

    pub(crate) fn has(&self, body: &str) -> bool {
        self.bodies().iter().any(|one| one == body)
    }

    /// As the function would answer it.
    pub(crate) fn failures(&self, bodies: &[&str]) -> String {
        let ids = self.all("messageId").into_iter().zip(self.bodies());
        let failed = ids.filter(|(_, body)| bodies.contains(&body.as_str()));
        let failures: Vec<Value> =
            failed.map(|(id, _)| serde_json::json!({ "itemIdentifier": id })).collect();
        serde_json::json!({ "batchItemFailures": failures }).to_string()
    }
}

/// What a function does.
pub(crate) enum Does {
    Answers(String),
    Fails,
    IsThrottled,
    IsNotReady,
    IsGone,
    Loops(Vec<String>),
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
    /// Bodies that are stopped at another gate.
    pub(crate) slow: RwLock<String>,
    pub(crate) slow_gate: RwLock<()>,
    /// While it is locked for writing, queues are being looked for.
    pub(crate) find_gate: RwLock<()>,
    pub(crate) calls: Mutex<Vec<Call>>,
    pub(crate) running: AtomicUsize,
    pub(crate) most_running: AtomicUsize,
    pub(crate) has_function: AtomicBool,
    /// By name; what they are like.
    queues: Mutex<BTreeMap<String, (QueueId, Settings)>>,
    pub(crate) figures: Mutex<BTreeMap<&'static str, f64>>,
    pub(crate) steps: Mutex<Vec<Step>>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside")
    }
}

impl Outside {
    pub(crate) fn since_start(&self) -> Duration {
        self.clock.now().saturating_since(START)
    }
}

#[derive(Debug, Clone)]
struct Fakes(Arc<Outside>);

#[async_trait]
impl Functions for Fakes {
    async fn function(&self, _function: &FunctionArn) -> Result<Option<FunctionInfo>, String> {
        let info = FunctionInfo { timeout: TIMEOUT, role: "role".to_owned(), metrics: metric_source() };
        Ok(self.0.has_function.load(Ordering::Relaxed).then_some(info))
    }

    async fn invoke(&self, batch: Batch) -> Invoked {
        let outside = &self.0;
        let call = Call::new(&batch, outside.since_start());
        outside.calls.lock().unwrap().push(call.clone());
        let running = outside.running.fetch_add(1, Ordering::SeqCst) + 1;
        outside.most_running.fetch_max(running, Ordering::SeqCst);
        drop(outside.gate.read().await);
        let slow = outside.slow.read().await.clone();
        if !slow.is_empty() && call.bodies().iter().any(|body| body.starts_with(&slow)) {
            drop(outside.slow_gate.read().await);
        }
        let behaviour = outside.behaviour.lock().unwrap().clone();
        outside.running.fetch_sub(1, Ordering::SeqCst);
        match behaviour(&call) {
            Does::Answers(payload) => ran(payload, None),
            Does::Fails => ran("{}".to_owned(), Some(("Oops".to_owned(), "oops".to_owned()))),
            Does::IsThrottled => Invoked::Throttled,
            Does::IsNotReady => Invoked::SystemError("the function is not ready".to_owned()),
            Does::IsGone => Invoked::Gone,
            Does::Loops(headers) => Invoked::LoopStopped { headers },
        }
    }
}

fn ran(payload: String, error: Option<(String, String)>) -> Invoked {
    Invoked::Ran(Box::new(Ran {
        request_id: "request".to_owned(),
        attempted: attempted(error.clone()),
        executed_version: "$LATEST".to_owned(),
        payload: payload.into(),
        error,
    }))
}

fn metric_source() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: account(),
        region: region(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}

impl RecordMetrics for Fakes {
    fn record(&self, source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let of = (source.namespace, source.dimensions[0][0].0);
        assert!([("AWS/Lambda", "EventSourceMappingUUID"), ("AWS/SQS", "QueueName")].contains(&of));
        for (name, _, value) in values {
            *self.0.figures.lock().unwrap().entry(name).or_default() += value;
        }
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

#[async_trait]
impl FindStream for Fakes {
    async fn stream(&self, _arn: &Arn) -> Result<Option<Stream>, TargetError> {
        Ok(None)
    }
}

#[derive(Debug)]
struct Found(Arc<Outside>, Queues);

#[async_trait]
impl FindQueue for Found {
    async fn queue(&self, arn: &Arn) -> Result<Option<Queue>, TargetError> {
        drop(self.0.find_gate.read().await);
        let queues = self.0.queues.lock().unwrap();
        let found = queues.get(&arn.resource).cloned();
        Ok(found.map(|(id, settings)| self.1.open(id, settings)))
    }
}

/// A process.
pub(crate) struct World {
    pub(crate) outside: Arc<Outside>,
    pub(crate) sources: EventSources,
    pub(crate) queues: Queues,
    pub(crate) tasks: Tasks,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self::over(Arc::new(Outside {
            clock: Arc::new(VirtualClock::new(START)),
            store: Arc::new(MemoryStore::new()),
            behaviour: Mutex::new(Arc::new(|_| ok())),
            gate: RwLock::default(),
            slow: RwLock::default(),
            slow_gate: RwLock::default(),
            find_gate: RwLock::default(),
            calls: Mutex::default(),
            running: AtomicUsize::default(),
            most_running: AtomicUsize::default(),
            has_function: AtomicBool::new(true),
            queues: Mutex::default(),
            figures: Mutex::default(),
            steps: Mutex::default(),
        }));
        world.start();
        world
    }

    /// Mappings that do not poll yet.
    pub(crate) fn over(outside: Arc<Outside>) -> Self {
        let (tasks, ids) = (Tasks::new(), Arc::new(IdSource::seeded(1)));
        let fakes = Arc::new(Fakes(outside.clone()));
        let (store, clock) = (outside.store.clone(), outside.clock.clone());
        let queues = Queues::new(store.clone(), clock.clone(), ids.clone(), tasks.clone(), fakes.clone());
        let sources = EventSources::new(EventSourcesParts {
            store,
            clock,
            ids,
            tasks: tasks.clone(),
            queues: Arc::new(Found(outside.clone(), queues.clone())),
            streams: fakes.clone(),
            targets: Targets::default(),
            metrics: fakes.clone(),
            trace: fakes,
        });
        Self { outside, sources, queues, tasks }
    }

    pub(crate) fn start(&self) {
        self.sources.start(Arc::new(Fakes(self.outside.clone())));
    }

    /// The process ends, with or without time to finish, and another one starts.
    pub(crate) async fn restart(self, drains: bool) -> Self {
        if drains {
            self.tasks.drain().await;
        } else {
            self.tasks.announce_shutdown();
        }
        let world = Self::over(self.outside.clone());
        world.start();
        world
    }

    pub(crate) fn behave(&self, behaviour: impl Fn(&Call) -> Does + Send + Sync + 'static) {
        *self.outside.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub(crate) fn open(&self, name: &str, settings: Settings) -> Queue {
        let settings = Settings { arn: arn(name).to_string(), ..settings };
        let mut queues = self.outside.queues.lock().unwrap();
        let number = queues.len() + self.outside.calls.lock().unwrap().len();
        let id = QueueId(format!("{name}-{number}"));
        queues.insert(name.to_owned(), (id.clone(), settings.clone()));
        self.queues.open(id, settings)
    }

    /// Gives the queue another visibility timeout.
    pub(crate) fn hide(&self, name: &str, visibility_timeout: Duration) {
        self.outside.queues.lock().unwrap().get_mut(name).unwrap().1.visibility_timeout = visibility_timeout;
        self.queue(name);
    }

    /// The queue as this process has it.
    pub(crate) fn queue(&self, name: &str) -> Queue {
        let (id, settings) = self.outside.queues.lock().unwrap()[name].clone();
        self.queues.open(id, settings)
    }

    pub(crate) fn lose(&self, name: &str) {
        self.outside.queues.lock().unwrap().remove(name);
    }

    pub(crate) async fn create(&self, mapping: Mapping) {
        let uuid = mapping.uuid.clone();
        let is_enabled = mapping.is_enabled;
        self.sources.create(mapping).await.unwrap();
        if is_enabled {
            self.until(async || self.state(&uuid).await == State::Enabled).await;
        }
    }

    pub(crate) async fn get(&self, uuid: &str) -> Mapping {
        self.sources.get(&account(), &region(), uuid).await.unwrap()
    }

    pub(crate) async fn update(
        &self,
        uuid: &str,
        change: impl FnOnce(&mut Mapping) + Send,
    ) -> Result<Mapping, MappingError> {
        let seen = self.get(uuid).await;
        self.sources.update(&seen, change).await
    }

    pub(crate) async fn state(&self, uuid: &str) -> State {
        self.get(uuid).await.state
    }

    pub(crate) async fn result(&self, uuid: &str) -> Option<String> {
        self.get(uuid).await.last_processing_result
    }

    pub(crate) async fn list(&self, page: Page) -> Vec<String> {
        let listed = self.sources.list(&account(), &region(), &page).await.unwrap();
        listed.into_iter().map(|mapping| mapping.uuid).collect()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.quiet().await;
        self.outside.clock.advance_to(self.outside.clock.now() + by).await;
        self.quiet().await;
    }

    /// Lets all tasks do what they can do now.
    pub(crate) async fn quiet(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits; the runtime's own time passes when there is nothing else to do.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, mut holds: impl FnMut() -> F) {
        for _ in 0..2_000 {
            if holds().await {
                return;
            }
            clock::execution_sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came true: {:?}", self.calls());
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.outside.calls.lock().unwrap().clone()
    }

    /// The bodies of each batch, in the order of the calls.
    pub(crate) fn batches(&self) -> Vec<Vec<String>> {
        self.calls().iter().map(Call::bodies).collect()
    }

    pub(crate) fn handled(&self) -> Vec<String> {
        let mut all: Vec<String> = self.batches().concat();
        all.sort();
        all
    }

    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.outside.figures.lock().unwrap().get(name).copied().unwrap_or_default()
    }

    pub(crate) fn story(&self, subject: &str) -> Vec<What> {
        let steps = self.outside.steps.lock().unwrap();
        steps.iter().filter(|step| step.subject == subject).map(|step| step.what.clone()).collect()
    }

    /// Visible, in flight.
    pub(crate) async fn counts(&self, name: &str) -> (u64, u64) {
        let counters = self.queue(name).counters().await.unwrap();
        (counters.visible, counters.in_flight)
    }

    pub(crate) async fn is_empty(&self, name: &str) -> bool {
        self.counts(name).await == (0, 0)
    }

    pub(crate) async fn bodies(&self, name: &str) -> Vec<String> {
        let poll = Poll { max_messages: 100, visibility_timeout: None, one_group: false };
        let nothing = std::future::ready(clock::Hold::none());
        let (messages, _) = self.queue(name).poll(poll, clock::Hold::none(), nothing).await.unwrap();
        messages.into_iter().map(|message| message.body).collect()
    }
}

pub(crate) fn standard() -> Settings {
    Settings {
        arn: String::new(),
        fifo: None,
        visibility_timeout: secs(30),
        delay: Duration::ZERO,
        retention: secs(4 * 24 * 3600),
        dead_letter: None,
    }
}

pub(crate) fn fifo() -> Settings {
    let fifo = Fifo {
        content_based_deduplication: false,
        deduplication_scope: DeduplicationScope::Queue,
        throughput_limit: ThroughputLimit::PerQueue,
    };
    Settings { fifo: Some(fifo), ..standard() }
}

pub(crate) fn dead_letter(queue: &Queue, max_receive_count: u32) -> Option<DeadLetter> {
    Some(DeadLetter { queue: queue.id().clone(), max_receive_count })
}

/// A mapping of queue `q` and function `f`.
pub(crate) fn mapping(uuid: &str) -> Mapping {
    Mapping {
        uuid: uuid.to_owned(),
        account: account(),
        region: region(),
        source: arn("q"),
        function: function("f"),
        is_enabled: true,
        batch_size: 10,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: false,
        counts_events: true,
        polling: Polling::Queue(QueuePolling::default()),
        state: State::Creating,
        state_reason: "USER_INITIATED".to_owned(),
        last_processing_result: None,
        last_modified: START,
        revision: 0,
    }
}

pub(crate) fn fifo_mapping(uuid: &str) -> Mapping {
    Mapping {
        polling: Polling::Queue(QueuePolling { fifo: true, ..QueuePolling::default() }),
        ..mapping(uuid)
    }
}

pub(crate) fn message(body: &str) -> NewMessage {
    NewMessage { id: format!("id-{body}"), body: body.to_owned(), ..NewMessage::default() }
}

pub(crate) fn grouped(body: &str, group: &str) -> NewMessage {
    NewMessage {
        group_id: Some(group.to_owned()),
        deduplication_id: Some(format!("dedup-{body}")),
        ..message(body)
    }
}

pub(crate) async fn send(queue: &Queue, messages: impl IntoIterator<Item = NewMessage>) {
    for result in queue.send(messages.into_iter().collect()).await {
        result.unwrap();
    }
}
