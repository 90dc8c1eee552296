//! What other services ask of queues.

use ids::Arn;
use queue::Receive;
use store::{Store, Transaction};
use targets::{QueueInfo, QueueMessage, SampleGauges, SendToQueue, TargetError};

use crate::world::World;

fn message(body: &str) -> QueueMessage {
    QueueMessage { body: body.to_owned(), sender_id: "sns".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_message_is_in_the_queue_once_its_senders_commit_is() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let arn = Arn::parse(&world.arn("q")).unwrap();
    drop(world.sqs.prepare_message(&arn, message("abandoned")).await.unwrap());
    let mut prepared = world.sqs.prepare_message(&arn, message("x")).await.unwrap();
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
    let mut transaction = Transaction::new();
    prepared.join(&mut transaction);
    world.store.commit(transaction).await.unwrap();
    assert_eq!(world.figures.take(), ["q NumberOfEmptyReceives 1"]);
    prepared.committed();
    assert_eq!(world.figures.take(), ["q NumberOfMessagesSent 1", "q SentMessageSize 1"]);
    let received = world.receive("q").await.remove(0);
    assert_eq!((received.body.as_deref(), &*received.attributes.unwrap()["SenderId"]), (Some("x"), "sns"));
}

#[tokio::test]
async fn what_a_queue_does_not_take_is_refused() {
    let world = World::new();
    world.create("q", &[("MaximumMessageSize", "1024")]).await.unwrap();
    world.create("q.fifo", &[("FifoQueue", "true"), ("ContentBasedDeduplication", "true")]).await.unwrap();
    let arn = |name: &str| Arn::parse(&world.arn(name)).unwrap();
    let refused = async |name: &str, body: &str| {
        world
            .sqs
            .prepare_message(&arn(name), message(body))
            .await
            .map(|prepared| prepared.id.clone())
            .unwrap_err()
    };
    assert_eq!(refused("missing", "x").await, TargetError::NotFound(world.arn("missing")));
    assert!(matches!(refused("q", &"x".repeat(1_025)).await, TargetError::Refused(_)));
    assert!(matches!(refused("q.fifo", "x").await, TargetError::Refused(_)));
    let info = |fifo| Some(QueueInfo { fifo, content_based_deduplication: fifo });
    assert_eq!(world.sqs.queue(&arn("q")).await, Ok(info(false)));
    assert_eq!(world.sqs.queue(&arn("q.fifo")).await, Ok(info(true)));
    assert_eq!(world.sqs.queue(&arn("missing")).await, Ok(None));
    assert_eq!(world.sqs.queue(&Arn::parse("arn:aws:sns:r1:000000000000:q").unwrap()).await, Ok(None));
}

#[tokio::test]
async fn a_queue_is_opened_by_its_arn() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.send("q", "x").await.unwrap();
    let arn = Arn::parse(&world.arn("q")).unwrap();
    let queue = event_source::FindQueue::queue(&world.sqs, &arn).await.unwrap().unwrap();
    let request = Receive {
        max_messages: 10,
        visibility_timeout: None,
        wait: std::time::Duration::ZERO,
        attempt_id: None,
    };
    let received = queue.receive(request).await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(queue.delete(&[received[0].receipt.clone()]).await.len(), 1);
    let missing = Arn::parse(&world.arn("missing")).unwrap();
    assert!(event_source::FindQueue::queue(&world.sqs, &missing).await.unwrap().is_none());
}

#[tokio::test]
async fn gauges_show_how_full_queues_are() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    for body in ["one", "two", "three"] {
        world.send("q", body).await.unwrap();
    }
    world.advance(7).await;
    let one = api_sqs::ReceiveMessageRequest::default();
    assert_eq!(world.receive_with("q", one).await.unwrap().len(), 1);
    let sampled = world.sqs.sample().await;
    let values: Vec<String> = sampled[0].1.iter().map(|(name, _, value)| format!("{name} {value}")).collect();
    assert_eq!(
        values,
        [
            "ApproximateNumberOfMessagesVisible 2",
            "ApproximateNumberOfMessagesNotVisible 1",
            "ApproximateNumberOfMessagesDelayed 0",
            "ApproximateAgeOfOldestMessage 7",
        ]
    );
}
