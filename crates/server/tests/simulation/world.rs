//! The services over one store, what they have acknowledged, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api_kinesis::{CreateStreamInput, Kinesis as _, PutRecordInput, SplitShardInput};
use api_sns::{CreateTopicInput, PublishInput, Sns as _, SubscribeInput};
use api_sqs::{
    CreateQueueRequest, DeleteMessageRequest, GetQueueAttributesRequest, QueueAttributeName,
    ReceiveMessageRequest, SendMessageRequest, Sqs as _,
};
use clock::{Clock, Timestamp, VirtualClock, execution_sleep};
use delivery::{Delivery, DeliveryParts, Event};
use event_source::{EventSources, EventSourcesParts};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use kinesis::{Kinesis, KinesisParts};
use queue::Queues;
use serde_json::{Value, json};
use simulator::{Chance, FaultyStore};
use sns::{Sns, SnsParts};
use sqs::{Sqs, SqsParts};
use store::{Entry, MemoryStore, Mutation, SharedStore, Store, Transaction};
use stream::Streams;
use targets::{Agenda, FailedEvent, MetricSource, Ports, RecordMetrics, RecordTrace, Step, Targets, Unit};
use tasks::Tasks;
use wire::{Caller, Context};

use crate::functions::{FakeFunctions, Runs, read};
use crate::sources::{Accepted, Handled, Handlers, MAPPED, mappings, work};

pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Those that clients receive from; a dead-letter queue stands before whatever it serves.
pub(crate) const QUEUES: [&str; 8] =
    ["orders", "steps.fifo", "dead", "failures", "successes", "dead-jobs", "dead-lines.fifo", "given-up"];
/// What waits longer than this is nothing that anybody waits for.
const SOON: Duration = Duration::from_secs(12 * 3_600);

pub(crate) fn arn(service: &str, name: &str) -> Arn {
    Arn::parse(&format!("arn:aws:{service}:eu-central-1:000000000000:{name}")).unwrap()
}

fn url(queue: &str) -> Option<String> {
    Some(format!("http://127.0.0.1:4566/000000000000/{queue}"))
}

/// Nobody looks at figures and stories here.
#[derive(Debug)]
struct Nobody;

impl RecordMetrics for Nobody {
    fn record(&self, _: &Arc<MetricSource>, _: Timestamp, _: &[(&'static str, Unit, f64)]) {}
}

impl RecordTrace for Nobody {
    fn record(&self, _: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _: FailedEvent) {}
}

/// One process of the server.
struct Process {
    store: Arc<FaultyStore>,
    tasks: Tasks,
    queues: Queues,
    sqs: Sqs,
    sns: Sns,
    kinesis: Kinesis,
    event_sources: EventSources,
    delivery: Delivery,
}

/// What was acknowledged, and what has been seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Numbers of events whose 202 came back, and whether they fail for ever.
    pub(crate) events: BTreeMap<String, bool>,
    /// Bodies of acknowledged messages of the standard queue.
    pub(crate) orders: BTreeSet<String>,
    /// Bodies of acknowledged messages of the FIFO queue by group, in the order of the acknowledgements.
    pub(crate) steps: BTreeMap<String, Vec<String>>,
    /// Bodies by queue, in the order in which they were first received.
    pub(crate) received: BTreeMap<&'static str, Vec<String>>,
    /// Bodies whose deletion was acknowledged, by queue.
    deleted: BTreeMap<&'static str, BTreeSet<String>>,
}

/// What functions have done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) runs: Arc<Runs>,
    pub(crate) handled: Arc<Handled>,
}

pub(crate) struct World {
    chance: Chance,
    disk: Arc<MemoryStore>,
    fault_percent: u64,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) outcome: Outcome,
    pub(crate) seen: Seen,
    pub(crate) accepted: Accepted,
    process: Process,
}

impl World {
    /// A server on a store that holds what an earlier one left.
    pub(crate) async fn new(chance: Chance, stored: &[Entry]) -> Self {
        let puts = stored.iter().map(|entry| Mutation::Put(entry.key.clone(), entry.value.clone()));
        let transaction = Transaction { mutations: puts.collect(), ..Transaction::new() };
        let disk = Arc::new(MemoryStore::new());
        disk.commit(transaction).await.unwrap();
        let (clock, ids) = (Arc::new(VirtualClock::new(START)), chance.ids());
        let outcome = Outcome::default();
        let store = FaultyStore::new(disk.clone(), chance.split());
        Self {
            process: Process::start(store, &clock, &ids, &outcome),
            chance,
            disk,
            fault_percent: 0,
            clock,
            ids,
            outcome,
            seen: Seen::default(),
            accepted: Accepted::default(),
        }
    }

    /// Everything that is stored.
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.disk.snapshot().await.unwrap().range(&[], &[0xff], usize::MAX, false).await.unwrap()
    }

    /// How often from now on the store fails, also that of later processes, in a hundred times.
    pub(crate) fn fail(&mut self, percent: u64) {
        self.fault_percent = percent;
        self.process.store.fail(percent);
    }

    /// A topic, its queues and subscriptions.
    pub(crate) async fn set_up(&self) {
        for queue in QUEUES.into_iter().chain(MAPPED) {
            let mut attributes = BTreeMap::from([("VisibilityTimeout".to_owned(), "60".to_owned())]);
            if MAPPED.contains(&queue) {
                let dead = arn("sqs", &format!("dead-{queue}")).to_string();
                let policy = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 3 }).to_string();
                attributes.insert("RedrivePolicy".to_owned(), policy);
            }
            if queue.ends_with(".fifo") {
                attributes.insert("FifoQueue".to_owned(), "true".to_owned());
            }
            let request = CreateQueueRequest {
                queue_name: Some(queue.to_owned()),
                attributes: Some(attributes),
                ..CreateQueueRequest::default()
            };
            self.process.sqs.create_queue(&self.context(), request).await.unwrap();
        }
        let topic = CreateTopicInput { name: "news".to_owned(), ..CreateTopicInput::default() };
        self.process.sns.create_topic(&self.context(), topic).await.unwrap();
        for (protocol, endpoint) in [("sqs", arn("sqs", "orders")), ("lambda", arn("lambda", "function:f"))] {
            let raw = BTreeMap::from([("RawMessageDelivery".to_owned(), "true".to_owned())]);
            let request = SubscribeInput {
                topic_arn: arn("sns", "news").to_string(),
                protocol: protocol.to_owned(),
                endpoint: Some(endpoint.to_string()),
                attributes: (protocol == "sqs").then_some(raw),
                return_subscription_arn: Some(true),
            };
            self.process.sns.subscribe(&self.context(), request).await.unwrap();
        }
        let stream = CreateStreamInput {
            stream_name: "ticks".to_owned(),
            shard_count: Some(2),
            ..CreateStreamInput::default()
        };
        self.process.kinesis.create_stream(&self.context(), stream).await.unwrap();
        self.clock.advance_to(self.clock.now() + Duration::from_secs(60)).await;
        for mapping in mappings() {
            self.process.event_sources.create(mapping).await.unwrap();
        }
        self.clock.quiet().await;
    }

    fn context(&self) -> Context {
        Context {
            request_id: self.ids.request_id(),
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            caller: Caller {
                arn: "arn:aws:iam::000000000000:root".to_owned(),
                user_id: "000000000000".to_owned(),
                access_key_id: None,
            },
            endpoint: "http://127.0.0.1:4566".to_owned(),
            trace_id: None,
            client: wire::Client::default(),
        }
    }

    /// The process ends, whatever it was about to do, and another one starts on what is in the store. It has a clock
    /// of its own: what the old one waited for never happens.
    pub(crate) async fn restart(&mut self) {
        self.process.store.kill();
        self.process.tasks.announce_shutdown();
        self.clock = Arc::new(VirtualClock::new(self.clock.now()));
        let store = FaultyStore::new(self.disk.clone(), self.chance.split());
        store.fail(self.fault_percent);
        self.process = Process::start(store, &self.clock, &self.ids, &self.outcome);
        tokio::task::yield_now().await;
    }

    pub(crate) async fn invoke(&mut self, number: String, fails: bool) {
        let payload = json!({ "n": number, "fails": fails }).to_string();
        let event = Event {
            id: self.ids.request_id(),
            function: FunctionArn::parse(&arn("lambda", "function:f").to_string()).unwrap(),
            payload: payload.into(),
            trace_header: None,
            accepted: self.clock.now(),
            failures: 0,
        };
        let metrics = figures();
        if self.process.delivery.accept(event, "somebody".to_owned(), None, &metrics).await.is_ok() {
            self.seen.events.insert(number, fails);
        }
    }

    /// Several senders at once; those of one group one after the other.
    pub(crate) async fn send(&mut self, orders: Vec<String>, steps: Vec<(String, String)>) {
        let sends = orders.iter().map(|body| async {
            let request = SendMessageRequest {
                queue_url: url("orders"),
                message_body: Some(body.clone()),
                ..SendMessageRequest::default()
            };
            self.process.sqs.send_message(&self.context(), request).await.is_ok()
        });
        let sent = futures::future::join_all(sends).await;
        let acknowledged = orders.iter().zip(sent).filter(|(_, ok)| *ok).map(|(body, _)| body.clone());
        self.seen.orders.extend(acknowledged);
        for (group, body) in steps {
            let request = SendMessageRequest {
                queue_url: url("steps.fifo"),
                message_body: Some(body.clone()),
                message_group_id: Some(group.clone()),
                message_deduplication_id: Some(body.clone()),
                ..SendMessageRequest::default()
            };
            if self.process.sqs.send_message(&self.context(), request).await.is_ok() {
                self.seen.steps.entry(group).or_default().push(body);
            }
        }
    }

    pub(crate) async fn send_job(&mut self, number: String, fails: bool) {
        let request = SendMessageRequest {
            queue_url: url("jobs"),
            message_body: Some(work(&number, fails)),
            ..SendMessageRequest::default()
        };
        if self.process.sqs.send_message(&self.context(), request).await.is_ok() {
            self.accepted.jobs.insert(number, fails);
        }
    }

    pub(crate) async fn send_line(&mut self, group: &str, number: String, fails: bool) {
        let request = SendMessageRequest {
            queue_url: url("lines.fifo"),
            message_body: Some(work(&number, fails)),
            message_group_id: Some(group.to_owned()),
            message_deduplication_id: Some(number.clone()),
            ..SendMessageRequest::default()
        };
        if self.process.sqs.send_message(&self.context(), request).await.is_ok() {
            self.accepted.ordered.entry(format!("line {group}")).or_default().push((number, fails));
        }
    }

    pub(crate) async fn put_tick(&mut self, key: &str, number: String, fails: bool) {
        let input = PutRecordInput {
            stream_name: Some("ticks".to_owned()),
            data: work(&number, fails).into(),
            partition_key: Some(key.to_owned()),
            ..PutRecordInput::default()
        };
        if let Ok(put) = self.process.kinesis.put_record(&self.context(), input).await {
            self.accepted.places.insert(number.clone(), (put.shard_id, put.sequence_number));
            self.accepted.ordered.entry(format!("tick {key}")).or_default().push((number, fails));
        }
    }

    /// Splits one of the first shards, if it is open still.
    pub(crate) async fn split(&self, shard: u64) {
        let key = if shard == 0 { u128::MAX / 4 } else { u128::MAX / 4 * 3 };
        let input = SplitShardInput {
            stream_name: Some("ticks".to_owned()),
            shard_to_split: format!("shardId-{shard:012}"),
            new_starting_hash_key: key.to_string(),
            ..SplitShardInput::default()
        };
        let _may_be_closed = self.process.kinesis.split_shard(&self.context(), input).await;
    }

    /// To a queue and to the function.
    pub(crate) async fn publish(&mut self, number: String, fails: bool) {
        let message = json!({ "n": number, "fails": fails }).to_string();
        let request = PublishInput {
            topic_arn: Some(arn("sns", "news").to_string()),
            message: message.clone(),
            ..PublishInput::default()
        };
        if self.process.sns.publish(&self.context(), request).await.is_ok() {
            self.seen.events.insert(number, fails);
            self.seen.orders.insert(message);
        }
    }

    /// Receives up to ten messages, and deletes them or not. Returns how many there were.
    pub(crate) async fn receive(&mut self, queue: &'static str, delete: bool) -> usize {
        let request = ReceiveMessageRequest {
            queue_url: url(queue),
            max_number_of_messages: Some(10),
            ..ReceiveMessageRequest::default()
        };
        let Ok(answer) = self.process.sqs.receive_message(&self.context(), request).await else { return 0 };
        let messages = answer.messages.unwrap_or_default();
        for message in &messages {
            let body = message.body.clone().unwrap();
            let deleted = self.seen.deleted.entry(queue).or_default();
            assert!(!deleted.contains(&body), "{queue}: {body} was received after its deletion");
            let received = self.seen.received.entry(queue).or_default();
            if !received.contains(&body) {
                received.push(body.clone());
            }
            if delete {
                let request = DeleteMessageRequest {
                    queue_url: url(queue),
                    receipt_handle: message.receipt_handle.clone(),
                };
                // A message that was published twice after a lost reply has the same body: only unique ones count.
                let unique = queue == "steps.fifo";
                if self.process.sqs.delete_message(&self.context(), request).await.is_ok() && unique {
                    self.seen.deleted.entry(queue).or_default().insert(body);
                }
            }
        }
        messages.len()
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance_to(self.clock.now() + by).await;
    }

    /// Time passes until nothing is due any more and every queue is empty.
    pub(crate) async fn drain(&mut self) {
        self.fail(0);
        // What could not be read or written is tried again after a while, in execution time.
        execution_sleep(Duration::from_secs(60)).await;
        for _ in 0..400 {
            self.clock.quiet().await;
            let mut received = 0;
            for queue in QUEUES {
                received += self.receive(queue, true).await;
            }
            let next = self.next_due().await;
            match next {
                Some(next) => drop(self.clock.advance_to(next).await),
                None if received == 0 => return,
                None => {}
            }
        }
        panic!("there is no end to it: {:?}", self.next_due().await);
    }

    async fn next_due(&self) -> Option<Timestamp> {
        let Process { queues, sns, delivery, .. } = &self.process;
        let agendas: [&dyn Agenda; 3] = [queues, sns, delivery];
        let mut first = None;
        for agenda in agendas {
            let due = agenda.due(1).await.first().map(|due| due.at);
            first = [first, due].into_iter().flatten().min();
        }
        // Pollers sleep until they try again.
        let slept = self.clock.next_due().filter(|due| *due < self.clock.now() + SOON);
        [first, slept].into_iter().flatten().min()
    }

    /// All counters of a queue.
    pub(crate) async fn counters(&self, queue: &str) -> u64 {
        let request = GetQueueAttributesRequest {
            queue_url: url(queue),
            attribute_names: Some(vec![QueueAttributeName::All]),
        };
        let answer = self.process.sqs.get_queue_attributes(&self.context(), request).await.unwrap();
        let attributes = answer.attributes.unwrap();
        let names = ["", "NotVisible", "Delayed"];
        let count =
            |name: &&str| attributes[&format!("ApproximateNumberOfMessages{name}")].parse::<u64>().unwrap();
        names.iter().map(count).sum()
    }

    /// The numbers of the events whose records or bodies are in what was received from a queue.
    pub(crate) fn numbers_in(&self, queue: &str) -> BTreeMap<String, usize> {
        let mut numbers = BTreeMap::new();
        for body in self.seen.received.get(queue).into_iter().flatten() {
            let document: Value = serde_json::from_str(body).unwrap();
            let payload = match document.get("requestPayload") {
                Some(payload) => payload.to_string(),
                None => body.clone(),
            };
            *numbers.entry(read(payload.as_bytes()).0).or_default() += 1;
        }
        numbers
    }
}

impl Process {
    fn start(store: FaultyStore, clock: &Arc<VirtualClock>, ids: &Arc<IdSource>, outcome: &Outcome) -> Self {
        let faulty = Arc::new(store);
        let (store, tasks, targets): (SharedStore, _, _) = (faulty.clone(), Tasks::new(), Targets::default());
        let split = || Arc::new(ids.split());
        let queues = Queues::new(store.clone(), clock.clone(), split(), tasks.clone(), Arc::new(Nobody));
        let sqs = Sqs::new(SqsParts {
            store: store.clone(),
            queues: queues.clone(),
            clock: clock.clone(),
            ids: split(),
            tasks: tasks.clone(),
            metrics: Arc::new(Nobody),
        });
        let sns = Sns::new(SnsParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: split(),
            tasks: tasks.clone(),
            targets: targets.clone(),
            metrics: Arc::new(Nobody),
            trace: Arc::new(Nobody),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        });
        let streams = Streams::new(store.clone(), clock.clone(), tasks.clone());
        let kinesis = Kinesis::new(KinesisParts {
            store: store.clone(),
            streams,
            clock: clock.clone(),
            ids: split(),
            tasks: tasks.clone(),
            metrics: Arc::new(Nobody),
        });
        let event_sources = EventSources::new(EventSourcesParts {
            store: store.clone(),
            clock: clock.clone(),
            ids: split(),
            tasks: tasks.clone(),
            queues: Arc::new(sqs.clone()),
            streams: Arc::new(kinesis.clone()),
            targets: targets.clone(),
            metrics: Arc::new(Nobody),
            trace: Arc::new(Nobody),
        });
        let handlers = Arc::new(Handlers { ids: split(), handled: outcome.handled.clone() });
        let delivery = Delivery::new(DeliveryParts {
            store,
            clock: clock.clone(),
            tasks: tasks.clone(),
            targets: targets.clone(),
            metrics: Arc::new(Nobody),
            trace: Arc::new(Nobody),
        });
        let functions = Arc::new(FakeFunctions {
            clock: clock.clone(),
            delivery: delivery.clone(),
            ids: split(),
            runs: outcome.runs.clone(),
            metrics: figures(),
            arn,
        });
        let (queues_port, topics) = (Arc::new(sqs.clone()), Arc::new(sns.clone()));
        targets.fill(Ports { queues: queues_port, topics, functions: functions.clone() });
        sqs.start();
        sns.start();
        kinesis.start();
        delivery.start(functions);
        event_sources.start(handlers);
        Self { store: faulty, tasks, queues, sqs, sns, kinesis, event_sources, delivery }
    }
}

pub(crate) fn figures() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}
