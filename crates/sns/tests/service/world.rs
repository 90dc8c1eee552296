//! A service with everything around it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api_sns::*;
use async_trait::async_trait;
use clock::{Clock, Timestamp, VirtualClock};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region, RequestId};
use sns::{Sns as Service, SnsParts};
use store::{Entry, MemoryStore, Mutation, Store, Transaction, prefix_end};
use targets::{
    FailedEvent, FunctionEvent, InvokeFunction, MetricSource, Ports, Prepared, PublishToTopic, QueueInfo,
    QueueMessage, RecordMetrics, RecordTrace, SendToQueue, Settled, Step, TargetError, Targets, TopicInfo,
    TopicMessage, Unit, What,
};
use tasks::Tasks;
use tokio::sync::OnceCell;
use wire::{Caller, Context, Error};

/// 2024-01-31T08:05:09.123Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const ENDPOINT: &str = "http://127.0.0.1:4566";

/// Making the key takes a while, and one is as good as another.
static SIGNING_KEY: OnceCell<Vec<Entry>> = OnceCell::const_new();

pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) others: Arc<Others>,
    pub(crate) sns: Service,
    pub(crate) tasks: Tasks,
    pub(crate) context: Context,
    seed: u64,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let key = SIGNING_KEY.get_or_init(make_key).await;
        let mut transaction = Transaction::new();
        transaction.mutations.extend(key.iter().map(|e| Mutation::Put(e.key.clone(), e.value.clone())));
        store.commit(transaction).await.unwrap();
        Self::over(store, Arc::new(VirtualClock::new(START)), Arc::default(), 1)
    }

    fn over(store: Arc<MemoryStore>, clock: Arc<VirtualClock>, others: Arc<Others>, seed: u64) -> Self {
        let world = Self::unstarted(store, clock, others, seed);
        world.sns.start();
        world
    }

    fn unstarted(store: Arc<MemoryStore>, clock: Arc<VirtualClock>, others: Arc<Others>, seed: u64) -> Self {
        let (targets, tasks) = (Targets::default(), Tasks::new());
        let sns = Service::new(SnsParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: Arc::new(IdSource::seeded(seed)),
            tasks: tasks.clone(),
            targets: targets.clone(),
            metrics: others.clone(),
            trace: others.clone(),
            endpoint: format!("{ENDPOINT}/"),
        });
        targets.fill(Ports {
            queues: others.clone(),
            // Were it this service, it would own itself, and outlive its crash.
            topics: others.clone(),
            functions: others.clone(),
        });
        Self { clock, store, others, sns, tasks, context: context(ACCOUNT), seed }
    }

    /// The same store after a crash: what was in memory is gone, and nothing runs yet.
    pub(crate) async fn restarted(self) -> Self {
        let world = self.crashed().await;
        world.sns.start();
        world
    }

    /// As [`World::restarted`], before anything runs in the background.
    pub(crate) async fn crashed(self) -> Self {
        self.tasks.drain().await;
        Self::unstarted(self.store, self.clock, self.others, self.seed + 1)
    }

    pub(crate) async fn topic(&self, name: &str) -> String {
        self.topic_with(name, &[]).await.unwrap()
    }

    pub(crate) async fn topic_with(&self, name: &str, attributes: &[(&str, &str)]) -> Result<String, Error> {
        let attributes = (!attributes.is_empty()).then(|| map(attributes));
        let input = CreateTopicInput { name: name.to_owned(), attributes, ..Default::default() };
        Ok(self.sns.create_topic(&self.context, input).await?.topic_arn.unwrap())
    }

    pub(crate) async fn subscribe(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> Result<String, Error> {
        let input = SubscribeInput {
            topic_arn: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            attributes: (!attributes.is_empty()).then(|| map(attributes)),
            return_subscription_arn: Some(true),
        };
        Ok(self.sns.subscribe(&self.context, input).await?.subscription_arn.unwrap())
    }

    /// A queue that exists and is subscribed.
    pub(crate) async fn queue(&self, topic: &str, name: &str, attributes: &[(&str, &str)]) -> String {
        let arn = self.others.add_queue(name);
        self.subscribe(topic, "sqs", &arn, attributes).await.unwrap()
    }

    pub(crate) async fn publish(&self, topic: &str, message: &str) -> Result<PublishResponse, Error> {
        self.publish_with(PublishInput {
            topic_arn: Some(topic.to_owned()),
            message: message.to_owned(),
            ..Default::default()
        })
        .await
    }

    pub(crate) async fn publish_with(&self, input: PublishInput) -> Result<PublishResponse, Error> {
        self.sns.publish(&self.context, input).await
    }

    pub(crate) async fn set_topic(&self, topic: &str, name: &str, value: &str) -> Result<(), Error> {
        let input = SetTopicAttributesInput {
            topic_arn: topic.to_owned(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        self.sns.set_topic_attributes(&self.context, input).await
    }

    pub(crate) async fn set(&self, subscription: &str, name: &str, value: &str) -> Result<(), Error> {
        let input = SetSubscriptionAttributesInput {
            subscription_arn: subscription.to_owned(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        self.sns.set_subscription_attributes(&self.context, input).await
    }

    pub(crate) async fn topic_attributes(&self, topic: &str) -> BTreeMap<String, String> {
        let input = GetTopicAttributesInput { topic_arn: topic.to_owned() };
        self.sns.get_topic_attributes(&self.context, input).await.unwrap().attributes.unwrap()
    }

    pub(crate) async fn subscription_attributes(&self, arn: &str) -> Result<BTreeMap<String, String>, Error> {
        let input = GetSubscriptionAttributesInput { subscription_arn: arn.to_owned() };
        Ok(self.sns.get_subscription_attributes(&self.context, input).await?.attributes.unwrap())
    }

    pub(crate) async fn confirm(&self, topic: &str, token: &str) -> Result<String, Error> {
        let input = ConfirmSubscriptionInput {
            topic_arn: topic.to_owned(),
            token: token.to_owned(),
            ..Default::default()
        };
        Ok(self.sns.confirm_subscription(&self.context, input).await?.subscription_arn.unwrap())
    }

    /// Moves the clock, and lets everything that is due be done.
    pub(crate) async fn advance(&self, duration: std::time::Duration) {
        self.clock.advance_to(self.clock.now() + duration).await;
    }

    /// How many entries the store has under this table's name.
    pub(crate) async fn rows(&self, table: &str) -> usize {
        let from = store::key(&[table.into()]);
        let snapshot = self.store.snapshot().await.unwrap();
        snapshot.range(&from, &prefix_end(&from), usize::MAX, false).await.unwrap().len()
    }
}

async fn make_key() -> Vec<Entry> {
    let store = Arc::new(MemoryStore::new());
    let world = World::unstarted(store.clone(), Arc::new(VirtualClock::new(START)), Arc::default(), 7);
    assert_eq!(world.sns.certificate("x.pem").await.unwrap(), None);
    store.snapshot().await.unwrap().range(&[], &prefix_end(&[]), usize::MAX, false).await.unwrap()
}

pub(crate) fn context(account: &str) -> Context {
    Context {
        request_id: RequestId::from_random(7),
        account: AccountId::parse(account).unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: account.to_owned(),
            access_key_id: Some(account.to_owned()),
        },
        endpoint: ENDPOINT.to_owned(),
        trace_id: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        client: wire::Client::default(),
    }
}

/// Whoever clicks on a link.
pub(crate) fn unsigned() -> Context {
    let mut context = context("999999999999");
    context.caller.access_key_id = None;
    context.region = Region::parse("us-east-1").unwrap();
    context
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Queues, functions, metrics and traces that take notes.
#[derive(Debug, Default)]
pub(crate) struct Others {
    queues: Mutex<BTreeSet<String>>,
    pub(crate) messages: Arc<Mutex<Vec<(String, QueueMessage)>>>,
    pub(crate) events: Arc<Mutex<Vec<(String, FunctionEvent)>>>,
    pub(crate) metrics: Mutex<BTreeMap<String, f64>>,
    pub(crate) steps: Mutex<Vec<Step>>,
    /// How often queues and functions say that they are not available.
    pub(crate) unavailable: AtomicUsize,
    next: AtomicUsize,
}

impl Others {
    /// Makes a queue. Returns its ARN.
    pub(crate) fn add_queue(&self, name: &str) -> String {
        self.add_queue_of(ACCOUNT, name)
    }

    pub(crate) fn add_queue_of(&self, account: &str, name: &str) -> String {
        let arn = format!("arn:aws:sqs:eu-central-1:{account}:{name}");
        self.queues.lock().unwrap().insert(arn.clone());
        arn
    }

    pub(crate) fn remove_queue(&self, arn: &str) {
        self.queues.lock().unwrap().remove(arn);
    }

    /// What is in a queue.
    pub(crate) fn received(&self, name: &str) -> Vec<QueueMessage> {
        let messages = self.messages.lock().unwrap();
        let suffix = format!(":{name}");
        messages.iter().filter(|(arn, _)| arn.ends_with(&suffix)).map(|(_, m)| m.clone()).collect()
    }

    pub(crate) fn bodies(&self, name: &str) -> Vec<String> {
        self.received(name).into_iter().map(|message| message.body).collect()
    }

    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.metrics.lock().unwrap().get(name).copied().unwrap_or_default()
    }

    /// The story of a message.
    pub(crate) fn story(&self, id: &str) -> Vec<What> {
        let steps = self.steps.lock().unwrap();
        steps.iter().filter(|step| step.subject == id).map(|step| step.what.clone()).collect()
    }

    fn check_available(&self) -> Result<(), TargetError> {
        let less = |left: usize| left.checked_sub(1);
        match self.unavailable.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Err(TargetError::Unavailable("not now".to_owned())),
            Err(_) => Ok(()),
        }
    }

    /// What a target writes: a record of its own with the text in it, in as many entries as it takes.
    fn prepare<T: Send + 'static>(
        &self,
        table: &str,
        text: &str,
        list: &Arc<Mutex<Vec<T>>>,
        item: T,
    ) -> Prepared {
        let id = format!("accepted-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let record = serde_json::to_vec(text).unwrap();
        let mut part = Transaction::new();
        part.mutations.push(Mutation::Put(store::key(&[table.into(), (&id).into()]), bytes::Bytes::new()));
        for (number, chunk) in record.chunks(60_000).enumerate() {
            let key = store::key(&["chunk of a target".into(), (&id).into(), (number as u64).into()]);
            part.mutations.push(Mutation::Put(key, chunk.to_vec().into()));
        }
        let list = list.clone();
        Prepared::new(id, part, move |settled| {
            if settled == Settled::Committed {
                list.lock().unwrap().push(item);
            }
        })
    }
}

#[async_trait]
impl SendToQueue for Others {
    async fn queue(&self, queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        let exists = self.queues.lock().unwrap().contains(&queue.to_string());
        let info = QueueInfo { fifo: queue.resource.ends_with(".fifo"), content_based_deduplication: false };
        Ok(exists.then_some(info))
    }

    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        self.check_available()?;
        if self.queue(queue).await?.is_none() {
            return Err(TargetError::NotFound(queue.to_string()));
        }
        if message.body.len() > 1 << 20 {
            return Err(TargetError::Refused("Message must be shorter than 1048576 bytes.".to_owned()));
        }
        let body = message.body.clone();
        Ok(self.prepare("queue", &body, &self.messages, (queue.to_string(), message)))
    }
}

#[async_trait]
impl PublishToTopic for Others {
    async fn topic(&self, _topic: &Arn) -> Result<Option<TopicInfo>, TargetError> {
        Ok(None)
    }

    async fn prepare_publication(
        &self,
        topic: &Arn,
        _message: TopicMessage,
    ) -> Result<Prepared, TargetError> {
        Err(TargetError::NotFound(topic.to_string()))
    }
}

#[async_trait]
impl InvokeFunction for Others {
    async fn function_exists(&self, function: &FunctionArn) -> Result<bool, TargetError> {
        Ok(function.name != "missing")
    }

    async fn prepare_event(
        &self,
        function: &FunctionArn,
        event: FunctionEvent,
    ) -> Result<Prepared, TargetError> {
        self.check_available()?;
        if !self.function_exists(function).await? {
            return Err(TargetError::NotFound(function.to_string()));
        }
        let payload = String::from_utf8(event.payload.to_vec()).unwrap();
        Ok(self.prepare("function", &payload, &self.events, (function.to_string(), event)))
    }
}

impl RecordMetrics for Others {
    fn record(&self, source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        assert_eq!((source.namespace, source.dimensions[0][0].0), ("AWS/SNS", "TopicName"));
        let mut metrics = self.metrics.lock().unwrap();
        for (name, _, value) in values {
            *metrics.entry((*name).to_owned()).or_default() += value;
        }
    }
}

impl RecordTrace for Others {
    fn record(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, _event: FailedEvent) {}
}
