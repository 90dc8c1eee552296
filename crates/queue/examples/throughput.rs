//! How many messages a queue passes on over the embedded store: `throughput [MESSAGES] [CLIENTS] [DIRECTORY]`.
//!
//! First it measures how long a send takes, and how long until a receiver that waits has the message. Then MESSAGES are
//! sent, then as many are sent, received and deleted behind that backlog, then the queue is opened anew.
#![expect(clippy::print_stdout, reason = "a command talks to its user")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clock::{Stopwatch, SystemClock, execution_sleep};
use ids::IdSource;
use queue::{NewMessage, Queue, QueueId, Queues, Receive, Settings};
use store::EmbeddedStore;
use targets::{FailedEvent, RecordTrace, Step};
use tasks::Tasks;

#[derive(Debug)]
struct Untold;

impl RecordTrace for Untold {
    fn record(&self, _step: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _event: FailedEvent) {}
}

fn open(directory: &Path, tasks: &Tasks) -> Result<Queue, store::StoreError> {
    let ids = Arc::new(IdSource::from_entropy());
    let store = Arc::new(EmbeddedStore::open(directory)?);
    let queues = Queues::new(store, Arc::new(SystemClock), ids, tasks.clone(), Arc::new(Untold));
    let settings = Settings {
        arn: String::new(),
        fifo: None,
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: Duration::from_secs(4 * 24 * 3600),
        dead_letter: None,
    };
    Ok(queues.open(QueueId("q".to_owned()), settings))
}

async fn send(queue: &Queue, ids: &IdSource) {
    let message =
        NewMessage { id: ids.request_id().to_string(), body: "x".repeat(200), ..NewMessage::default() };
    for result in queue.send(vec![message]).await {
        result.expect("the store works");
    }
}

async fn pass(queue: &Queue, ids: &IdSource) {
    send(queue, ids).await;
    let request =
        Receive { max_messages: 1, visibility_timeout: None, wait: Duration::from_secs(1), attempt_id: None };
    let messages = queue.receive(request).await.expect("the store works");
    let receipts: Vec<_> = messages.into_iter().map(|message| message.receipt).collect();
    for result in queue.delete(&receipts).await {
        result.expect("the store works");
    }
}

/// How often [`wake_up`] measures.
const WAKE_UPS: usize = 500;

/// Nothing else goes on: a send to nobody, and one to a receiver that waits.
async fn wake_up(queue: &Queue, ids: &IdSource) {
    let (mut alone, mut until_sent, mut until_received) = (Vec::new(), Vec::new(), Vec::new());
    let request =
        Receive { max_messages: 10, visibility_timeout: None, wait: Duration::ZERO, attempt_id: None };
    let tasks = Tasks::new();
    for _ in 0..WAKE_UPS {
        let watch = Stopwatch::start();
        send(queue, ids).await;
        alone.push(watch.elapsed());
        let left = queue.receive(request.clone()).await.expect("the store works");
        let (waiting, request) =
            (queue.clone(), Receive { wait: Duration::from_secs(20), ..request.clone() });
        let receiver = tasks.spawn("receiver", async move {
            let received = waiting.receive(request).await.expect("the store works");
            (Stopwatch::start(), received)
        });
        // It waits by then.
        execution_sleep(Duration::from_millis(2)).await;
        let watch = Stopwatch::start();
        send(queue, ids).await;
        until_sent.push(watch.elapsed());
        let (received, messages) = receiver.await.expect("it receives");
        until_received.push(watch.elapsed().saturating_sub(received.elapsed()));
        let receipts: Vec<_> = left.into_iter().chain(messages).map(|message| message.receipt).collect();
        for result in queue.delete(&receipts).await {
            result.expect("the store works");
        }
    }
    for (what, mut took) in
        [("a send", alone), ("to who waits", until_sent), ("until he has it", until_received)]
    {
        took.sort();
        println!("{what}: p50 {:?}, p90 {:?}", took[WAKE_UPS / 2], took[WAKE_UPS * 9 / 10]);
    }
}

async fn measure<W: Future<Output = ()> + Send + 'static>(
    what: &str,
    queue: &Queue,
    messages: usize,
    clients: usize,
    work: impl Fn(Queue, Arc<IdSource>) -> W + Clone + Send + 'static,
) {
    let tasks = Tasks::new();
    let watch = Stopwatch::start();
    for _ in 0..clients {
        let (queue, work, ids) = (queue.clone(), work.clone(), Arc::new(IdSource::from_entropy()));
        tasks.spawn("client", async move {
            for _ in 0..messages / clients {
                work(queue.clone(), ids.clone()).await;
            }
        });
    }
    tasks.drain().await;
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    let rate = messages as f64 / watch.elapsed().as_secs_f64();
    println!("{what}: {rate:.0}/s, {:?}", queue.counters().await.expect("the store works"));
}

#[tokio::main]
async fn main() -> Result<(), store::StoreError> {
    let mut arguments = std::env::args().skip(1);
    let messages = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let clients = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(64);
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = arguments.next().map_or(temporary.path().to_owned(), Into::into);
    let tasks = Tasks::new();
    let queue = open(&directory, &tasks)?;
    wake_up(&queue, &IdSource::from_entropy()).await;
    measure("send", &queue, messages, clients, |queue, ids| async move { send(&queue, &ids).await }).await;
    measure("send, receive, delete", &queue, messages, clients, |queue, ids| async move {
        pass(&queue, &ids).await;
    })
    .await;
    drop(queue);
    tasks.drain().await;
    let watch = Stopwatch::start();
    let queue = open(&directory, &Tasks::new())?;
    println!("opened in {:?}", watch.elapsed());
    println!("{:?} after {:?}", queue.counters().await.expect("the store works"), watch.elapsed());
    pass(&queue, &IdSource::from_entropy()).await;
    println!("first message after {:?}", watch.elapsed());
    Ok(())
}
