//! Queues over a store in memory, with time in hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clock::{Clock, Timestamp, VirtualClock};
use ids::IdSource;
use queue::{
    DeadLetter, DeduplicationScope, Fifo, Message, NewMessage, Queue, QueueId, Queues, Receive, Settings,
    ThroughputLimit,
};
use store::MemoryStore;
use targets::{FailedEvent, RecordTrace, Step, What};
use tasks::Tasks;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[derive(Debug, Default)]
pub(crate) struct Story(Mutex<Vec<Step>>);

impl RecordTrace for Story {
    fn record(&self, step: Step) {
        self.0.lock().unwrap().push(step);
    }

    fn is_overloaded(&self) -> bool {
        false
    }

    fn keep(&self, _event: FailedEvent) {}
}

impl Story {
    pub(crate) fn of(&self, subject: &str) -> Vec<What> {
        let steps = self.0.lock().unwrap();
        steps.iter().filter(|step| step.subject == subject).map(|step| step.what.clone()).collect()
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) story: Arc<Story>,
    pub(crate) queues: Queues,
    tasks: Tasks,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), Arc::new(VirtualClock::new(START)))
    }

    pub(crate) fn over(store: Arc<MemoryStore>, clock: Arc<VirtualClock>) -> Self {
        let (story, tasks) = (Arc::new(Story::default()), Tasks::new());
        let ids = Arc::new(IdSource::seeded(1));
        let queues = Queues::new(store.clone(), clock.clone(), ids, tasks.clone(), story.clone());
        Self { store, clock, story, queues, tasks }
    }

    /// What a kill and a start leave: the store.
    pub(crate) fn restart(self) -> Self {
        self.tasks.announce_shutdown();
        Self::over(self.store, self.clock)
    }

    pub(crate) fn open(&self, name: &str, settings: Settings) -> Queue {
        self.queues.open(QueueId(name.to_owned()), Settings { arn: arn(name), ..settings })
    }

    pub(crate) async fn advance(&self, secs: u64) {
        self.clock.advance_to(self.clock.now() + Duration::from_secs(secs)).await;
    }
}

pub(crate) fn arn(name: &str) -> String {
    format!("arn:aws:sqs:eu-central-1:000000000000:{name}")
}

pub(crate) fn standard() -> Settings {
    Settings {
        arn: String::new(),
        fifo: None,
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: Duration::from_secs(4 * 24 * 3600),
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

pub(crate) fn dead_letter(queue: &str, max_receive_count: u32) -> Option<DeadLetter> {
    Some(DeadLetter { queue: QueueId(queue.to_owned()), max_receive_count })
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

pub(crate) fn at_most(max_messages: usize) -> Receive {
    Receive { max_messages, visibility_timeout: None, wait: Duration::ZERO, attempt_id: None }
}

pub(crate) async fn receive(queue: &Queue, max_messages: usize) -> Vec<Message> {
    queue.receive(at_most(max_messages)).await.unwrap()
}

pub(crate) async fn bodies(queue: &Queue, max_messages: usize) -> Vec<String> {
    receive(queue, max_messages).await.into_iter().map(|message| message.body).collect()
}

/// Visible, in flight, delayed.
pub(crate) async fn counts(queue: &Queue) -> (u64, u64, u64) {
    let counters = queue.counters().await.unwrap();
    (counters.visible, counters.in_flight, counters.delayed)
}
