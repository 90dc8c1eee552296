//! One process: engines and mappings over the store, and receivers of on-failure records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use clock::Timestamp;
use event_source::{EventSources, EventSourcesParts, FindQueue, FindStream};
use ids::{Arn, FunctionArn};
use queue::{Queue, Queues};
use simulator::{Chance, FaultyStore};
use store::{MemoryStore, Mutation, Transaction};
use stream::{Stream, StreamId, Streams};
use targets::{
    FailedEvent, FunctionEvent, InvokeFunction, MetricSource, Ports, Prepared, PublishToTopic, QueueInfo,
    QueueMessage, RecordMetrics, RecordTrace, SendToQueue, Step, TargetError, Targets, TopicInfo,
    TopicMessage, Unit,
};
use tasks::Tasks;

use crate::disk::{Disk, GIVEN_UP};
use crate::function::FakeFunctions;
use crate::journal::Journal;
use crate::time::Time;

pub(crate) fn arn(service: &str, resource: &str) -> Arn {
    Arn::parse(&format!("arn:aws:{service}:eu-central-1:000000000000:{resource}")).unwrap()
}

/// What survives processes.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) chance: Chance,
    pub(crate) time: Time,
    pub(crate) memory: Arc<MemoryStore>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) functions: Arc<FakeFunctions>,
    pub(crate) queues: Mutex<BTreeMap<String, queue::Settings>>,
    pub(crate) streams: Mutex<BTreeMap<String, stream::Settings>>,
    /// Receivers and sources cannot be had now.
    pub(crate) is_elsewhere: AtomicBool,
    /// Sums, by name.
    pub(crate) figures: Mutex<BTreeMap<&'static str, f64>>,
    pub(crate) given_up: AtomicU64,
    pub(crate) steps: Mutex<Vec<Step>>,
}

/// The engines and services around the mappings.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) outside: Arc<Outside>,
    pub(crate) queues: Queues,
    pub(crate) streams: Streams,
}

impl Services {
    pub(crate) fn open_queue(&self, name: &str) -> Option<Queue> {
        let settings = self.outside.queues.lock().unwrap().get(name).cloned()?;
        Some(self.queues.open(queue::QueueId(name.to_owned()), settings))
    }

    pub(crate) fn open_stream(&self, name: &str) -> Option<Stream> {
        let settings = self.outside.streams.lock().unwrap().get(name).cloned()?;
        Some(self.streams.open(StreamId(name.to_owned()), settings))
    }

    async fn reach(&self) -> Result<(), TargetError> {
        let Outside { chance, is_elsewhere, .. } = &*self.outside;
        chance.dawdle(1).await;
        if is_elsewhere.load(Ordering::Relaxed) && chance.percent(30) {
            return Err(TargetError::Unavailable("it".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl FindQueue for Services {
    async fn queue(&self, arn: &Arn) -> Result<Option<Queue>, TargetError> {
        self.reach().await?;
        Ok(self.open_queue(&arn.resource))
    }
}

#[async_trait]
impl FindStream for Services {
    async fn stream(&self, arn: &Arn) -> Result<Option<Stream>, TargetError> {
        self.reach().await?;
        let name = arn.resource.split('/').nth(1).unwrap();
        Ok(self.open_stream(name))
    }
}

impl Services {
    async fn prepare(&self, body: String) -> Result<Prepared, TargetError> {
        self.reach().await?;
        let number = self.outside.given_up.fetch_add(1, Ordering::Relaxed);
        let key = store::key(&[GIVEN_UP.into(), number.into()]);
        let part = Transaction::new().mutate(Mutation::Put(key, Bytes::from(body)));
        Ok(Prepared::new(format!("given-up-{number}"), part, |_| {}))
    }
}

#[async_trait]
impl SendToQueue for Services {
    async fn queue(&self, _queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        Ok(Some(QueueInfo { fifo: false, content_based_deduplication: false }))
    }

    async fn prepare_message(&self, _queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        self.prepare(message.body).await
    }
}

#[async_trait]
impl PublishToTopic for Services {
    async fn topic(&self, _topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(Some(TopicInfo { fifo: false }))
    }

    async fn prepare_publication(
        &self,
        _topic: &Arn,
        message: TopicMessage,
    ) -> Result<Prepared, TargetError> {
        self.prepare(message.message).await
    }
}

#[async_trait]
impl InvokeFunction for Services {
    async fn function_exists(&self, _function: &FunctionArn) -> Result<bool, TargetError> {
        Ok(true)
    }

    async fn prepare_event(&self, _: &FunctionArn, _: FunctionEvent) -> Result<Prepared, TargetError> {
        Err(TargetError::Refused("functions are no destinations of mappings".to_owned()))
    }
}

impl RecordTrace for Outside {
    fn record(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, _event: FailedEvent) {}
}

impl RecordMetrics for Outside {
    fn record(&self, _source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let mut figures = self.figures.lock().unwrap();
        for (name, _, value) in values {
            *figures.entry(name).or_default() += value;
        }
    }
}

pub(crate) struct Process {
    pub(crate) disk: Arc<FaultyStore>,
    pub(crate) tasks: Tasks,
    pub(crate) services: Services,
    pub(crate) sources: EventSources,
}

impl Process {
    pub(crate) fn start(outside: &Arc<Outside>) -> Self {
        let (memory, journal) = (outside.memory.clone(), outside.journal.clone());
        let disk = Disk { memory, journal, time: outside.time.clone() };
        let disk = Arc::new(FaultyStore::new(Arc::new(disk), outside.chance.split()));
        let (tasks, targets) = (Tasks::new(), Targets::default());
        let clock = || outside.time.clock();
        let ids = || outside.chance.ids();
        let queues = Queues::new(disk.clone(), clock(), ids(), tasks.clone(), outside.clone());
        let streams = Streams::new(disk.clone(), clock(), tasks.clone());
        let services = Services { outside: outside.clone(), queues, streams };
        let known = outside.queues.lock().unwrap().clone();
        for (name, settings) in known {
            // A dead-letter queue must be open; the services see to that.
            services.queues.open(queue::QueueId(name), settings);
        }
        let port = || Arc::new(services.clone());
        targets.fill(Ports { queues: port(), topics: port(), functions: port() });
        let sources = EventSources::new(EventSourcesParts {
            store: disk.clone(),
            clock: clock(),
            ids: ids(),
            tasks: tasks.clone(),
            queues: port(),
            streams: port(),
            targets,
            metrics: outside.clone(),
            trace: outside.clone(),
        });
        sources.start(outside.functions.clone());
        Self { disk, tasks, services, sources }
    }
}
