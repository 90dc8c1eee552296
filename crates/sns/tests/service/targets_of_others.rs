use ids::Arn;
use store::Store;
use targets::{PublishToTopic, Settled, TargetError, TopicMessage};

use super::*;

fn message(text: &str) -> TopicMessage {
    TopicMessage { message: text.to_owned(), from: Some("request".to_owned()), ..TopicMessage::default() }
}

#[tokio::test]
async fn anothers_message_is_delivered_with_the_others_commit_and_not_before() {
    let world = World::new().await;
    let arn = world.topic("t").await;
    world.queue(&arn, "q", &[("RawMessageDelivery", "true")]).await;
    let topic = Arn::parse(&arn).unwrap();
    let dropped = world.sns.prepare_publication(&topic, message("dropped")).await.unwrap();
    drop(dropped);
    let mut prepared = world.sns.prepare_publication(&topic, message("kept")).await.unwrap();
    assert_eq!(world.others.bodies("q").len(), 0);
    let id = prepared.id.clone();
    let mut transaction = store::Transaction::new();
    prepared.join(&mut transaction);
    world.store.commit(transaction).await.unwrap();
    prepared.settle(Settled::Committed);
    assert_eq!(world.others.bodies("q"), ["kept"]);
    assert_eq!(world.rows("queue").await, 1);
    assert_eq!(world.others.story(&id).len(), 3);
    assert_eq!(world.others.metric("NumberOfMessagesPublished"), 1.0);
}

#[tokio::test]
async fn what_is_no_topic_or_wants_a_group_does_not_accept() {
    let world = World::new().await;
    let fifo = world.topic_with("t.fifo", &[("FifoTopic", "true")]).await.unwrap();
    let fifo = Arn::parse(&fifo).unwrap();
    assert!(world.sns.topic(&fifo).await.unwrap().unwrap().fifo);
    let refused = world.sns.prepare_publication(&fifo, message("m")).await.unwrap_err();
    assert!(matches!(refused, TargetError::Refused(_)));
    let missing = Arn::parse("arn:aws:sns:eu-central-1:000000000000:missing").unwrap();
    assert_eq!(world.sns.topic(&missing).await.unwrap(), None);
    let missing = world.sns.prepare_publication(&missing, message("m")).await.unwrap_err();
    assert!(matches!(missing, TargetError::NotFound(_)));
}
