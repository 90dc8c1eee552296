use super::*;

#[tokio::test]
async fn a_thousand_subscribers_are_served_in_steps() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    for number in 0..1_000 {
        world.queue(&topic, &format!("q{number}"), &[]).await;
    }
    let id = world.publish(&topic, "m").await.unwrap().message_id.unwrap();
    world.clock.quiet().await;
    assert_eq!(world.others.messages.lock().unwrap().len(), 1_000);
    assert_eq!(world.others.metric("NumberOfNotificationsDelivered"), 1_000.0);
    assert_eq!(world.others.metric("NumberOfMessagesPublished"), 1.0);
    assert_eq!((world.rows("sns-progress").await, world.rows("sns-publication").await), (0, 0));
    assert_eq!(world.others.story(&id).len(), 1_002);
}

#[tokio::test]
async fn what_was_acknowledged_is_delivered_after_a_crash_once() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    for number in 0..500 {
        world.queue(&topic, &format!("q{number}"), &[("RawMessageDelivery", "true")]).await;
    }
    // Nothing runs in the background: the crash comes right after the answer.
    let world = world.crashed().await;
    world.publish(&topic, "m").await.unwrap();
    assert_eq!(world.others.messages.lock().unwrap().len(), 0);
    let world = world.restarted().await;
    world.clock.quiet().await;
    assert_eq!(world.others.messages.lock().unwrap().len(), 500);
    let world = world.restarted().await;
    world.clock.quiet().await;
    assert_eq!(world.others.messages.lock().unwrap().len(), 500);
}

#[tokio::test]
async fn large_messages_to_several_queues_do_not_exceed_a_commit() {
    let world = World::new().await;
    let topic = world.topic_with("t", &[("MaximumMessageSize", "1048576")]).await.unwrap();
    for number in 0..30 {
        world.queue(&topic, &format!("q{number}"), &[("RawMessageDelivery", "true")]).await;
    }
    // A quote becomes two characters in an envelope, and four in a record.
    world.publish(&topic, &"\"".repeat(1_000_000)).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(world.others.messages.lock().unwrap().len(), 30);
}

#[tokio::test]
async fn what_turns_out_too_large_for_a_commit_is_delivered_in_steps() {
    let world = World::new().await;
    let topic = world.topic_with("t", &[("MaximumMessageSize", "1048576")]).await.unwrap();
    for number in 0..2 {
        let function = format!("arn:aws:lambda:eu-central-1:000000000000:function:f{number}");
        world.subscribe(&topic, "lambda", &function, &[]).await.unwrap();
    }
    // A control character becomes six characters in an event, and seven in a record.
    world.publish(&topic, &"\u{1}".repeat(1_000_000)).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(world.others.events.lock().unwrap().len(), 2);
    assert_eq!(world.others.metric("NumberOfMessagesPublished"), 1.0);
}

#[tokio::test]
async fn a_fifo_topic_keeps_its_order_among_large_and_small() {
    let world = World::new().await;
    let topic = world.topic_with("t.fifo", &[("FifoTopic", "true")]).await.unwrap();
    for number in 0..20 {
        world.queue(&topic, &format!("q{number}.fifo"), &[("RawMessageDelivery", "true")]).await;
    }
    for (id, size) in [("1", 200_000), ("2", 10), ("3", 200_000), ("4", 10)] {
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            message: format!("{id}{}", "x".repeat(size)),
            message_group_id: Some("g".to_owned()),
            message_deduplication_id: Some(id.to_owned()),
            ..Default::default()
        };
        world.publish_with(input).await.unwrap();
    }
    for number in 0..20 {
        let bodies = world.others.bodies(&format!("q{number}.fifo"));
        let order: String = bodies.iter().map(|body| &body[..1]).collect();
        assert_eq!(order, "1234");
    }
}
