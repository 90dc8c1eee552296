//! A service with one caller.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api_sqs::{
    CreateQueueRequest, GetQueueAttributesRequest, Message, ReceiveMessageRequest, SendMessageRequest,
    SendMessageResult, Sqs as _,
};
use clock::{Clock, Timestamp, VirtualClock};
use ids::{AccountId, IdSource, Region, RequestId};
use queue::Queues;
use sqs::{Sqs, SqsParts};
use store::MemoryStore;
use targets::{FailedEvent, MetricSource, RecordMetrics, RecordTrace, Step, Unit};
use tasks::Tasks;
use wire::{Caller, Context, Error};

/// 2024-01-31T08:05:09.123Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

/// What was recorded: `QUEUE METRIC VALUE`.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Vec<String>>);

impl Figures {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl RecordMetrics for Figures {
    fn record(&self, source: &Arc<MetricSource>, _at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        let queue = &source.dimensions[0][0].1;
        self.0
            .lock()
            .unwrap()
            .extend(values.iter().map(|(name, _, value)| format!("{queue} {name} {value}")));
    }
}

#[derive(Debug)]
struct Silent;

impl RecordTrace for Silent {
    fn record(&self, _step: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _event: FailedEvent) {}
}

pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) tasks: Tasks,
    pub(crate) sqs: Sqs,
    pub(crate) context: Context,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), START)
    }

    /// The same again, after the process was killed.
    pub(crate) fn restarted(self) -> Self {
        self.tasks.announce_shutdown();
        Self::over(self.store.clone(), self.clock.now())
    }

    fn over(store: Arc<MemoryStore>, now: Timestamp) -> Self {
        let clock = Arc::new(VirtualClock::new(now));
        let (figures, tasks) = (Arc::<Figures>::default(), Tasks::new());
        // Another seed than the one before a restart: ids do not repeat.
        let ids =
            Arc::new(IdSource::seeded(now.as_micros().unsigned_abs() ^ Arc::strong_count(&store) as u64));
        let queues = Queues::new(store.clone(), clock.clone(), ids.clone(), tasks.clone(), Arc::new(Silent));
        let sqs = Sqs::new(SqsParts {
            store: store.clone(),
            queues,
            clock: clock.clone(),
            ids,
            tasks: tasks.clone(),
            metrics: figures.clone(),
        });
        sqs.start();
        Self { clock, store, figures, tasks, sqs, context: context("000000000000", "eu-central-1") }
    }

    pub(crate) fn url(&self, name: &str) -> Option<String> {
        Some(format!("http://127.0.0.1:4566/{}/{name}", self.context.account))
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.context.region, self.context.account)
    }

    pub(crate) async fn create(&self, name: &str, attributes: &[(&str, &str)]) -> Result<String, Error> {
        let input = CreateQueueRequest {
            queue_name: Some(name.to_owned()),
            attributes: Some(texts(attributes)),
            ..Default::default()
        };
        self.sqs.create_queue(&self.context, input).await.map(|result| result.queue_url.unwrap())
    }

    /// A queue `source` whose messages go on to a queue `dlq` after `max_receive_count` times.
    pub(crate) async fn create_with_dead_letter_queue(&self, max_receive_count: u32) {
        self.create("dlq", &[]).await.unwrap();
        let policy = format!(
            r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{max_receive_count}}}"#,
            self.arn("dlq")
        );
        self.create("source", &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")]).await.unwrap();
    }

    pub(crate) async fn send(&self, queue: &str, body: &str) -> Result<SendMessageResult, Error> {
        let input = SendMessageRequest {
            queue_url: self.url(queue),
            message_body: Some(body.to_owned()),
            ..Default::default()
        };
        self.sqs.send_message(&self.context, input).await
    }

    pub(crate) async fn receive_with(
        &self,
        queue: &str,
        input: ReceiveMessageRequest,
    ) -> Result<Vec<Message>, Error> {
        let input = ReceiveMessageRequest { queue_url: self.url(queue), ..input };
        let result = self.sqs.receive_message(&self.context, input).await?;
        Ok(result.messages.unwrap_or_default())
    }

    /// Up to ten messages, with all that can be known of them.
    pub(crate) async fn receive(&self, queue: &str) -> Vec<Message> {
        let input = ReceiveMessageRequest {
            max_number_of_messages: Some(10),
            attribute_names: Some(vec!["All".into()]),
            message_attribute_names: Some(vec!["All".to_owned()]),
            ..Default::default()
        };
        self.receive_with(queue, input).await.unwrap()
    }

    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        self.receive(queue).await.into_iter().map(|message| message.body.unwrap()).collect()
    }

    pub(crate) async fn attributes(&self, queue: &str) -> BTreeMap<String, String> {
        let input = GetQueueAttributesRequest {
            queue_url: self.url(queue),
            attribute_names: Some(vec!["All".into()]),
        };
        self.sqs.get_queue_attributes(&self.context, input).await.unwrap().attributes.unwrap()
    }

    pub(crate) async fn attribute(&self, queue: &str, name: &str) -> String {
        self.attributes(queue).await.remove(name).unwrap_or_default()
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        self.clock.advance_to(self.clock.now() + Duration::from_secs(seconds)).await;
    }
}

pub(crate) fn context(account: &str, region: &str) -> Context {
    Context {
        request_id: RequestId::from_random(7),
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        caller: Caller {
            arn: format!("arn:aws:iam::{account}:root"),
            user_id: "AIDAEXAMPLE".to_owned(),
            access_key_id: None,
        },
        endpoint: "http://127.0.0.1:4566".to_owned(),
        trace_id: None,
        client: wire::Client::default(),
    }
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
pub(crate) fn refused<T>(answer: Result<T, Error>, code: &str, message: &str) {
    let error = answer.err().expect("an error");
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}
