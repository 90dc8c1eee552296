use super::*;

async fn fifo(world: &World, attributes: &[(&str, &str)]) -> String {
    let attributes = [&[("FifoTopic", "true")], attributes].concat();
    world.topic_with("t.fifo", &attributes).await.unwrap()
}

async fn publish(
    world: &World,
    topic: &str,
    group: &str,
    id: Option<&str>,
    message: &str,
) -> Result<(String, u64), Error> {
    let input = PublishInput {
        topic_arn: Some(topic.to_owned()),
        message: message.to_owned(),
        message_group_id: Some(group.to_owned()),
        message_deduplication_id: id.map(str::to_owned),
        ..Default::default()
    };
    let answer = world.publish_with(input).await?;
    Ok((answer.message_id.unwrap(), answer.sequence_number.unwrap().parse().unwrap()))
}

#[tokio::test]
async fn messages_are_numbered_and_come_without_a_signature() {
    let world = World::new().await;
    let topic = fifo(&world, &[]).await;
    world.queue(&topic, "q.fifo", &[]).await;
    world.queue(&topic, "plain", &[]).await;
    let (id, first) = publish(&world, &topic, "g", Some("d1"), "Test").await.unwrap();
    let (_, second) = publish(&world, &topic, "g", Some("d2"), "Test").await.unwrap();
    assert_eq!(first.to_string().len(), 20);
    assert_eq!(second, first + 1);
    let message = world.others.received("q.fifo").remove(0);
    assert_eq!((message.group_id.as_deref(), message.deduplication_id.as_deref()), (Some("g"), Some("d1")));
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["Type", "MessageId", "SequenceNumber", "TopicArn", "Message", "Timestamp", "UnsubscribeURL"]
    );
    assert_eq!(
        (body["MessageId"].as_str().unwrap(), body["SequenceNumber"].as_str().unwrap()),
        (id.as_str(), first.to_string().as_str())
    );
    let plain = world.others.received("plain").remove(0);
    assert_eq!((plain.group_id, plain.deduplication_id), (None, None));
}

#[tokio::test]
async fn what_a_fifo_topic_needs_is_demanded() {
    let world = World::new().await;
    let topic = fifo(&world, &[]).await;
    let input =
        PublishInput { topic_arn: Some(topic.clone()), message: "m".to_owned(), ..Default::default() };
    refused(
        world.publish_with(input).await,
        "InvalidParameter",
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
    );
    refused(
        publish(&world, &topic, "g", None, "m").await,
        "InvalidParameter",
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId \
         provided explicitly",
    );
    let wrong = publish(&world, &topic, "a b", Some("d"), "m").await;
    assert_eq!(wrong.unwrap_err().code(), "InvalidParameter");
}

#[tokio::test]
async fn a_duplicate_is_accepted_and_not_delivered_for_five_minutes_even_after_a_crash() {
    let world = World::new().await;
    let topic = fifo(&world, &[("ContentBasedDeduplication", "true")]).await;
    world.queue(&topic, "q.fifo", &[("RawMessageDelivery", "true")]).await;
    let first = publish(&world, &topic, "g", None, "same").await.unwrap();
    let hash = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5";
    assert_eq!(world.others.received("q.fifo")[0].deduplication_id.as_deref(), Some(hash));
    assert_eq!(publish(&world, &topic, "g", Some(hash), "other").await.unwrap(), first);
    let world = world.restarted().await;
    world.advance(seconds(299)).await;
    assert_eq!(publish(&world, &topic, "other", None, "same").await.unwrap(), first);
    assert_eq!(world.others.received("q.fifo").len(), 1);
    world.advance(seconds(1)).await;
    assert_ne!(publish(&world, &topic, "g", None, "same").await.unwrap(), first);
    assert_eq!(world.others.received("q.fifo").len(), 2);
    assert_eq!((world.rows("sns-recent").await, world.rows("sns-recent-end").await), (1, 1));
}

#[tokio::test]
async fn duplicates_within_a_batch_and_within_groups() {
    let world = World::new().await;
    let topic = fifo(&world, &[("FifoThroughputScope", "MessageGroup")]).await;
    world.queue(&topic, "q.fifo", &[("RawMessageDelivery", "true")]).await;
    let entry = |id: &str, group: &str, message: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        message_group_id: Some(group.to_owned()),
        message_deduplication_id: Some("d".to_owned()),
        ..Default::default()
    };
    let entries = vec![entry("1", "g", "a"), entry("2", "g", "b"), entry("3", "h", "c")];
    let input = PublishBatchInput { topic_arn: topic.clone(), publish_batch_request_entries: entries };
    let answer = world.sns.publish_batch(&world.context, input).await.unwrap().successful.unwrap();
    assert_eq!(answer[0].message_id, answer[1].message_id);
    assert_ne!(answer[0].sequence_number, answer[2].sequence_number);
    assert_eq!(world.others.bodies("q.fifo"), ["a", "c"]);
}

#[tokio::test]
async fn many_publishers_at_once_keep_the_order_of_the_numbers() {
    let world = World::new().await;
    let topic = fifo(&world, &[]).await;
    world.queue(&topic, "q.fifo", &[]).await;
    let publishers = (0..20).map(|n| {
        let id = format!("d{n}");
        let (world, topic) = (&world, &topic);
        async move { publish(world, topic, "g", Some(&id), "m").await.unwrap() }
    });
    let published = futures::future::join_all(publishers).await;
    let mut numbers: Vec<u64> = published.into_iter().map(|(_, number)| number).collect();
    numbers.sort_unstable();
    let received: Vec<u64> = world
        .others
        .bodies("q.fifo")
        .iter()
        .map(|body| {
            serde_json::from_str::<Value>(body).unwrap()["SequenceNumber"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    assert_eq!(received, numbers);
}
