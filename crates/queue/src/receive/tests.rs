use std::sync::Arc;

use clock::SystemClock;
use ids::IdSource;
use store::MemoryStore;
use targets::{FailedEvent, RecordTrace, Step};
use tasks::Tasks;

use super::*;
use crate::{DeduplicationScope, Fifo, NewMessage, QueueId, Queues, Receipt, Settings, ThroughputLimit};

#[derive(Debug)]
struct Untold;

impl RecordTrace for Untold {
    fn record(&self, _step: Step) {}

    fn is_overloaded(&self) -> bool {
        true
    }

    fn keep(&self, _event: FailedEvent) {}
}

/// A queue for two messages in flight, with two in flight and one more.
async fn full(fifo: Option<Fifo>) -> (Queue, Receipt) {
    let store = Arc::new(MemoryStore::new());
    let ids = Arc::new(IdSource::seeded(1));
    let queues = Queues::new(store, Arc::new(SystemClock), ids, Tasks::new(), Arc::new(Untold));
    let settings = Settings {
        arn: String::new(),
        fifo,
        visibility_timeout: Duration::from_secs(3_600),
        delay: Duration::ZERO,
        retention: Duration::from_secs(3_600),
        dead_letter: None,
    };
    let queue = queues.open(QueueId("q".to_owned()), settings);
    queue.locked(|head, _| head.in_flight_max = 2);
    for id in ["a", "b", "c"].map(str::to_owned) {
        let (group_id, deduplication_id) = (Some(id.clone()), Some(id.clone()));
        let message = NewMessage { id, group_id, deduplication_id, ..NewMessage::default() };
        queue.send(vec![message]).await.remove(0).unwrap();
    }
    let mut received = queue.receive(at_most_ten(0)).await.unwrap();
    assert_eq!(received.len(), 2);
    (queue, received.remove(0).receipt)
}

fn at_most_ten(wait_ms: u64) -> Receive {
    let wait = Duration::from_millis(wait_ms);
    Receive { max_messages: 10, visibility_timeout: None, wait, attempt_id: None }
}

#[tokio::test]
async fn too_many_messages_in_flight_are_said_or_waited_for() {
    let (queue, receipt) = full(None).await;
    assert!(matches!(queue.receive(at_most_ten(0)).await, Err(QueueError::OverLimit)));
    assert!(queue.receive(at_most_ten(1)).await.unwrap().is_empty());
    let receipts = [receipt];
    let (received, deleted) = tokio::join!(queue.receive(at_most_ten(20_000)), queue.delete(&receipts));
    assert!(deleted[0].is_ok());
    assert_eq!(received.unwrap()[0].id, "c");
}

#[tokio::test]
async fn a_fifo_queue_says_nothing_of_its_limit() {
    let fifo = Fifo {
        content_based_deduplication: false,
        deduplication_scope: DeduplicationScope::Queue,
        throughput_limit: ThroughputLimit::PerQueue,
    };
    let (queue, _) = full(Some(fifo)).await;
    assert!(queue.receive(at_most_ten(0)).await.unwrap().is_empty());
}

/// A receive of one message of a full queue, that waits.
async fn wait(queue: &Queue) -> Pin<Box<impl Future<Output = Result<Vec<Message>, QueueError>>>> {
    let queue = queue.clone();
    let one = Receive { max_messages: 1, ..at_most_ten(20_000) };
    let mut waiting = Box::pin(async move { queue.receive(one).await });
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("there is no room"),
        () = std::future::ready(()) => {}
    }
    waiting
}

async fn send(queue: &Queue, id: &str) {
    let message = NewMessage { id: id.to_owned(), ..NewMessage::default() };
    queue.send(vec![message]).await.remove(0).unwrap();
}

#[tokio::test]
async fn nothing_is_given_beyond_the_limit() {
    let (queue, receipt) = full(None).await;
    queue.delete(&[receipt]).await.remove(0).unwrap();
    assert_eq!(queue.receive(at_most_ten(0)).await.unwrap()[0].id, "c");
    let waiting = wait(&queue).await;
    send(&queue, "d").await;
    assert_eq!(queue.locked(|head, _| head.in_flight_count()), 2);
    queue.locked(|head, _| head.in_flight_max = 3);
    send(&queue, "e").await;
    assert_eq!(waiting.await.unwrap()[0].id, "d");
}

#[tokio::test]
async fn what_was_there_before_is_received_before() {
    let (queue, _) = full(None).await;
    let waiting = wait(&queue).await;
    queue.locked(|head, _| head.in_flight_max = 3);
    send(&queue, "d").await;
    assert_eq!(waiting.await.unwrap()[0].id, "c");
}
