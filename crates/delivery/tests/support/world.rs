//! A queue over a memory store, a virtual clock, and fakes for all it talks to.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::{Clock, Timestamp, VirtualClock};
use delivery::{Attempt, Delivery, DeliveryParts, Event, EventSettings, FunctionResult, Functions};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use simulator::attempted;
use store::{Check, Mutation, SharedStore, Store, Transaction};
use targets::{
    Attempted, Attributes, FailedEvent, FunctionEvent, InvokeFunction, MetricSource, Ports, Prepared,
    PublishToTopic, QueueInfo, QueueMessage, RecordMetrics, RecordTrace, SendToQueue, Settled, Step,
    TargetError, Targets, TopicInfo, TopicMessage, Unit, What,
};
use tasks::Tasks;
use tokio::sync::{RwLock, Semaphore};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn arn(service: &str, name: &str) -> Arn {
    Arn::parse(&format!("arn:aws:{service}:eu-central-1:000000000000:{name}")).unwrap()
}

pub(crate) fn function(name: &str) -> FunctionArn {
    FunctionArn::parse(&arn("lambda", &format!("function:{name}")).to_string()).unwrap()
}

pub(crate) fn metric_source() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}

pub(crate) fn settings() -> EventSettings {
    EventSettings {
        maximum_retry_attempts: 2,
        maximum_event_age: Duration::from_secs(21_600),
        on_success: None,
        on_failure: None,
        dead_letter: None,
        is_switched_off: false,
        metrics: metric_source(),
    }
}

pub(crate) fn ran(error: Option<&str>) -> Attempt {
    let error = error.map(|message| ("Oops".to_owned(), message.to_owned()));
    Attempt::Ran(Box::new(FunctionResult {
        attempted: attempted(error.clone()),
        executed_version: "$LATEST".to_owned(),
        payload: match &error {
            Some((_, message)) => format!("{{\"errorMessage\":{message:?}}}").into(),
            None => Bytes::from_static(b"\"done\""),
        },
        error,
    }))
}

type Behaviour = Arc<dyn Fn(&Event) -> Option<Attempt> + Send + Sync>;

/// What was handed over.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) to: String,
    pub(crate) body: String,
    pub(crate) attributes: Attributes,
    /// The event's id, and its trace header.
    pub(crate) from: Option<String>,
    pub(crate) trace_header: Option<String>,
}

/// What happened where, in order.
pub(crate) struct Fakes {
    pub(crate) clock: Arc<VirtualClock>,
    settings: Mutex<BTreeMap<String, Option<EventSettings>>>,
    /// `None` is a function that never returns.
    behaviour: Mutex<Behaviour>,
    /// Nothing can be said of any function.
    pub(crate) is_silent: AtomicBool,
    /// While it is locked for writing, functions take their time.
    pub(crate) gate: RwLock<()>,
    /// How many attempts run at once, and how many were turned away for that.
    pub(crate) places: Mutex<Arc<Semaphore>>,
    pub(crate) turned_away: AtomicUsize,
    /// Instead of accepting, by the receiver's ARN.
    pub(crate) refusals: Mutex<BTreeMap<String, TargetError>>,
    /// What these receivers write is more than the store takes.
    pub(crate) oversized: Mutex<Vec<String>>,
    /// A check that does not hold is part of what these receivers write.
    pub(crate) conflicting: Mutex<Vec<String>>,
    pub(crate) attempts: Mutex<Vec<(String, Duration)>>,
    /// What receivers were told is theirs.
    pub(crate) messages: Mutex<Vec<Message>>,
    pub(crate) steps: Mutex<Vec<Step>>,
    pub(crate) kept: Mutex<Vec<FailedEvent>>,
    pub(crate) metrics: Mutex<BTreeMap<&'static str, Vec<f64>>>,
    number: AtomicU64,
}

impl std::fmt::Debug for Fakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fakes")
    }
}

impl Fakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::new(VirtualClock::new(START)),
            settings: Mutex::default(),
            behaviour: Mutex::new(Arc::new(|_| Some(ran(None)))),
            is_silent: AtomicBool::default(),
            gate: RwLock::default(),
            places: Mutex::new(Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))),
            turned_away: AtomicUsize::default(),
            refusals: Mutex::default(),
            oversized: Mutex::default(),
            conflicting: Mutex::default(),
            attempts: Mutex::default(),
            messages: Mutex::default(),
            steps: Mutex::default(),
            kept: Mutex::default(),
            metrics: Mutex::default(),
            number: AtomicU64::default(),
        })
    }

    pub(crate) fn behave(&self, behaviour: impl Fn(&Event) -> Option<Attempt> + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Arc::new(behaviour);
    }

    pub(crate) fn configure(&self, function: &str, settings: Option<EventSettings>) {
        self.settings.lock().unwrap().insert(function.to_owned(), settings);
    }

    pub(crate) fn refuse(&self, receiver: &Arn, error: TargetError) {
        self.refusals.lock().unwrap().insert(receiver.to_string(), error);
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.clock.now().saturating_since(START)
    }

    /// When each attempt of a payload began.
    pub(crate) fn attempts_of(&self, payload: &str) -> Vec<u64> {
        let attempts = self.attempts.lock().unwrap();
        attempts.iter().filter(|(of, _)| of == payload).map(|(_, at)| at.as_secs()).collect()
    }

    pub(crate) fn metric(&self, name: &str) -> Vec<f64> {
        self.metrics.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    /// The story of all events: only what kind of steps there were, and at which second.
    pub(crate) fn story(&self) -> Vec<String> {
        let steps = self.steps.lock().unwrap();
        let tell = |step: &Step| {
            let what = match &step.what {
                What::Accepted { .. } => "accepted".to_owned(),
                What::Attempted(Attempted { number, .. }) => format!("attempt {number}"),
                What::Deferred { .. } => "deferred".to_owned(),
                What::Waits { until, .. } => {
                    format!("waits until {}", until.saturating_since(START).as_secs())
                }
                What::Sent { to, role, .. } => format!("sent to {} as {role}", name(to)),
                What::NotSent { to, role, .. } => format!("not sent to {} as {role}", name(to)),
                What::Ended { condition } => condition.clone(),
                other => format!("{other:?}"),
            };
            format!("{} {what}", step.at.saturating_since(START).as_secs())
        };
        steps.iter().map(tell).collect()
    }

    fn prepare(self: &Arc<Self>, to: &Arn, message: Message) -> Result<Prepared, TargetError> {
        let to = to.to_string();
        if let Some(error) = self.refusals.lock().unwrap().get(&to) {
            return Err(error.clone());
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let key = store::key(&["delivered".into(), (&to).into(), number.into()]);
        let mut part = Transaction::new().mutate(Mutation::Put(
            key,
            Bytes::copy_from_slice(&message.body.as_bytes()[..message.body.len().min(60_000)]),
        ));
        if self.oversized.lock().unwrap().contains(&to) {
            part = part.mutate(Mutation::Put(Bytes::from_static(b"large"), vec![0; 70_000].into()));
        }
        if self.conflicting.lock().unwrap().contains(&to) {
            part = part.check(Check::Present(Bytes::from_static(b"never there")));
        }
        let fakes = self.clone();
        Ok(Prepared::new(format!("m-{number}"), part, move |settled| {
            if settled == Settled::Committed {
                fakes.messages.lock().unwrap().push(Message { to, ..message });
            }
        }))
    }
}

fn name(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap()
}

#[async_trait]
impl Functions for Fakes {
    async fn event_settings(&self, event: &Event) -> Result<Option<EventSettings>, String> {
        if self.is_silent.load(Ordering::Relaxed) {
            return Err("silence".to_owned());
        }
        let configured = self.settings.lock().unwrap();
        Ok(configured.get(&event.function.name).cloned().unwrap_or_else(|| Some(settings())))
    }

    async fn attempt(&self, event: &Event) -> Attempt {
        let places = self.places.lock().unwrap().clone();
        let Ok(_place) = places.try_acquire() else {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return Attempt::Throttled;
        };
        let _open = self.gate.read().await;
        let payload = String::from_utf8(event.payload.to_vec()).unwrap();
        self.attempts.lock().unwrap().push((payload, self.since_start()));
        tokio::task::yield_now().await;
        let behaviour = self.behaviour.lock().unwrap().clone();
        match behaviour(event) {
            Some(attempt) => attempt,
            None => std::future::pending().await,
        }
    }
}

#[derive(Debug)]
struct Receivers(Arc<Fakes>);

#[async_trait]
impl SendToQueue for Receivers {
    async fn queue(&self, _queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        let QueueMessage { body, attributes, from, trace_header, .. } = message;
        self.0.prepare(queue, Message { to: String::new(), body, attributes, from, trace_header })
    }
}

#[async_trait]
impl PublishToTopic for Receivers {
    async fn topic(&self, _topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_publication(&self, topic: &Arn, message: TopicMessage) -> Result<Prepared, TargetError> {
        let TopicMessage { message: body, attributes, from, trace_header, .. } = message;
        self.0.prepare(topic, Message { to: String::new(), body, attributes, from, trace_header })
    }
}

#[async_trait]
impl InvokeFunction for Receivers {
    async fn function_exists(&self, _function: &FunctionArn) -> Result<bool, TargetError> {
        Ok(true)
    }

    async fn prepare_event(
        &self,
        function: &FunctionArn,
        event: FunctionEvent,
    ) -> Result<Prepared, TargetError> {
        let FunctionEvent { payload, trace_header, from, .. } = event;
        let body = String::from_utf8(payload.to_vec()).unwrap();
        let message = Message { to: String::new(), body, attributes: Attributes::new(), from, trace_header };
        self.0.prepare(&Arn::parse(&function.to_string()).unwrap(), message)
    }
}

impl RecordTrace for Fakes {
    fn record(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, event: FailedEvent) {
        self.kept.lock().unwrap().push(event);
    }
}

impl RecordMetrics for Fakes {
    fn record(&self, _source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let mut metrics = self.metrics.lock().unwrap();
        for (name, _, value) in values {
            metrics.entry(name).or_default().push(*value);
        }
    }
}

/// One life of the queue.
pub(crate) struct Process {
    pub(crate) delivery: Delivery,
    pub(crate) tasks: Tasks,
}

impl Process {
    pub(crate) fn start(fakes: &Arc<Fakes>, store: SharedStore) -> Self {
        let targets = Targets::default();
        let receivers = || Arc::new(Receivers(fakes.clone()));
        targets.fill(Ports { queues: receivers(), topics: receivers(), functions: receivers() });
        let tasks = Tasks::new();
        let delivery = Delivery::new(DeliveryParts {
            store,
            clock: fakes.clock.clone(),
            tasks: tasks.clone(),
            targets,
            metrics: fakes.clone(),
            trace: fakes.clone(),
        });
        delivery.start(fakes.clone());
        Self { delivery, tasks }
    }

    pub(crate) async fn accept(
        &self,
        fakes: &Fakes,
        ids: &IdSource,
        function: FunctionArn,
        payload: &str,
    ) -> Result<(), store::CommitError> {
        let event = Event {
            id: ids.request_id(),
            function,
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            trace_header: Some("Root=1-2-3".to_owned()),
            accepted: fakes.clock.now(),
            failures: 0,
        };
        self.delivery.accept(event, "arn:aws:iam::000000000000:root".to_owned(), None, &metric_source()).await
    }
}

/// How many rows there are of a table.
pub(crate) async fn rows(store: &dyn Store, table: &str) -> Vec<store::Entry> {
    let from = store::key(&[table.into()]);
    let snapshot = store.snapshot().await.unwrap();
    snapshot.range(&from, &store::prefix_end(&from), usize::MAX, false).await.unwrap()
}
