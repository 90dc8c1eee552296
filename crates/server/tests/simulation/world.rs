//! The services over one store, what they have acknowledged, and what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api_sns::{CreateTopicInput, PublishInput, Sns as _, SubscribeInput};
use api_sqs::{
    CreateQueueRequest, DeleteMessageRequest, GetQueueAttributesRequest, QueueAttributeName,
    ReceiveMessageRequest, SendMessageRequest, Sqs as _,
};
use clock::{Clock, Timestamp, VirtualClock};
use delivery::{Delivery, DeliveryParts, Event};
use ids::{AccountId, Arn, FunctionArn, IdSource, Region};
use queue::Queues;
use serde_json::{Value, json};
use sns::{Sns, SnsParts};
use sqs::{Sqs, SqsParts};
use store::{Entry, SharedStore};
use targets::{Agenda, FailedEvent, MetricSource, Ports, RecordMetrics, RecordTrace, Step, Targets, Unit};
use tasks::Tasks;
use wire::{Caller, Context};

use crate::faults::{FaultyStore, Handle};
use crate::functions::{FakeFunctions, Runs, read};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const QUEUES: [&str; 5] = ["orders", "steps.fifo", "dead", "failures", "successes"];

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
    disk: Arc<Handle>,
    tasks: Tasks,
    queues: Queues,
    sqs: Sqs,
    sns: Sns,
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

pub(crate) struct World {
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) seen: Seen,
    process: Process,
}

impl World {
    /// A server on a store that holds what an earlier one left.
    pub(crate) async fn new(seed: u64, stored: &[Entry]) -> Self {
        let ids = Arc::new(IdSource::seeded(seed));
        let store = Arc::new(FaultyStore::new(ids.split()));
        store.fill(stored).await;
        let clock = Arc::new(VirtualClock::new(START));
        let runs = Arc::new(Runs::default());
        let process = Process::start(&store, &clock, &ids, &runs);
        Self { store, clock, ids, runs, seen: Seen::default(), process }
    }

    /// A topic, its queues and subscriptions.
    pub(crate) async fn set_up(&self) {
        for queue in QUEUES {
            let mut attributes = BTreeMap::from([("VisibilityTimeout".to_owned(), "60".to_owned())]);
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
        self.process.disk.kill();
        self.process.tasks.announce_shutdown();
        self.clock = Arc::new(VirtualClock::new(self.clock.now()));
        self.process = Process::start(&self.store, &self.clock, &self.ids, &self.runs);
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
        self.store.set_faulty(false);
        for _ in 0..200 {
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
        first
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
    fn start(
        store: &Arc<FaultyStore>,
        clock: &Arc<VirtualClock>,
        ids: &Arc<IdSource>,
        runs: &Arc<Runs>,
    ) -> Self {
        let disk = Arc::new(Handle::new(store.clone()));
        let (store, tasks, targets): (SharedStore, _, _) = (disk.clone(), Tasks::new(), Targets::default());
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
            runs: runs.clone(),
            metrics: figures(),
            arn,
        });
        let (queues_port, topics) = (Arc::new(sqs.clone()), Arc::new(sns.clone()));
        targets.fill(Ports { queues: queues_port, topics, functions: functions.clone() });
        sqs.start();
        sns.start();
        delivery.start(functions);
        Self { disk, tasks, queues, sqs, sns, delivery }
    }
}

fn figures() -> Arc<MetricSource> {
    Arc::new(MetricSource {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        namespace: "AWS/Lambda",
        dimensions: vec![vec![]],
    })
}
