use targets::{Agenda, What};
use tasks::Tasks;

use super::*;
use crate::endpoint::{Endpoint, Received};
use crate::world::{START, unsigned};

/// A confirmed endpoint.
async fn hooked(world: &World, tasks: &Tasks, attributes: &[(&str, &str)]) -> (Endpoint, String, String) {
    let mut endpoint = Endpoint::open(tasks).await;
    let topic = world.topic("t").await;
    let arn = world.subscribe(&topic, "http", &endpoint.url, attributes).await.unwrap();
    let asked = endpoint.next().await;
    let token = asked.json()["Token"].as_str().unwrap().to_owned();
    asked.answer(200).await;
    assert_eq!(world.confirm(&topic, &token).await.unwrap(), arn);
    world.clock.quiet().await;
    (endpoint, topic, arn)
}

fn headers_of_sns(received: &Received) -> Vec<(&str, &str)> {
    let all = received.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.filter(|(name, _)| name.starts_with("x-amz-sns-")).collect()
}

#[tokio::test]
async fn an_endpoint_is_asked_confirms_with_a_click_and_gets_notifications() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let mut endpoint = Endpoint::open(&tasks).await;
    let topic = world.topic("t").await;
    let input = SubscribeInput {
        topic_arn: topic.clone(),
        protocol: "http".to_owned(),
        endpoint: Some(endpoint.url.clone()),
        ..Default::default()
    };
    let answer = world.sns.subscribe(&world.context, input).await.unwrap();
    assert_eq!(answer.subscription_arn.as_deref(), Some("pending confirmation"));

    let asked = endpoint.next().await;
    assert_eq!(asked.target, "POST /hook?a=b HTTP/1.1");
    assert_eq!(asked.headers["content-type"], "text/plain; charset=UTF-8");
    assert_eq!(asked.headers["authorization"], "Basic dXNlcjpzZWNyZXQ=");
    assert!(!asked.headers["host"].contains('@'));
    let body = asked.json();
    let id = body["MessageId"].as_str().unwrap().to_owned();
    let expected = [
        ("x-amz-sns-message-id", id.as_str()),
        ("x-amz-sns-message-type", "SubscriptionConfirmation"),
        ("x-amz-sns-topic-arn", topic.as_str()),
    ];
    assert_eq!(headers_of_sns(&asked), expected);
    let token = body["Token"].as_str().unwrap().to_owned();
    let url = format!("http://127.0.0.1:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}");
    assert_eq!(body["SubscribeURL"], url);
    asked.answer(200).await;

    // Nobody gets messages before he confirmed.
    world.publish(&topic, "too early").await.unwrap();
    let click = ConfirmSubscriptionInput { topic_arn: topic.clone(), token, ..Default::default() };
    let arn = world.sns.confirm_subscription(&unsigned(), click).await.unwrap().subscription_arn.unwrap();
    let id = world.publish(&topic, "hello").await.unwrap().message_id.unwrap();
    let notified = endpoint.next().await;
    let expected = [
        ("x-amz-sns-message-id", id.as_str()),
        ("x-amz-sns-message-type", "Notification"),
        ("x-amz-sns-subscription-arn", arn.as_str()),
        ("x-amz-sns-topic-arn", topic.as_str()),
    ];
    assert_eq!(headers_of_sns(&notified), expected);
    assert_eq!(
        (notified.json()["Type"].as_str(), notified.json()["Message"].as_str()),
        (Some("Notification"), Some("hello"))
    );
    notified.answer(204).await;
    world.clock.quiet().await;
    assert!(endpoint.is_idle());
    assert_eq!((world.rows("sns-due").await, world.rows("sns-delivery").await), (0, 0));
    assert_eq!(world.others.metric("NumberOfNotificationsDelivered"), 1.0);
    assert_eq!(world.others.story(&id).len(), 3);
}

#[tokio::test]
async fn raw_notifications_are_the_message_with_the_content_type_of_the_policy() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let policy = r#"{"requestPolicy":{"headerContentType":"application/json"}}"#;
    let attributes = [("RawMessageDelivery", "true"), ("DeliveryPolicy", policy)];
    let (mut endpoint, topic, _) = hooked(&world, &tasks, &attributes).await;
    world.publish(&topic, "{}").await.unwrap();
    let notified = endpoint.next().await;
    assert_eq!((notified.body.as_str(), notified.headers["x-amz-sns-rawdelivery"].as_str()), ("{}", "true"));
    assert_eq!(notified.headers["content-type"], "application/json");
    notified.answer(200).await;
}

#[tokio::test]
async fn a_failing_endpoint_is_tried_by_its_policy_then_given_up_to_the_dead_letter_queue() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let dead = world.others.add_queue("dead");
    let redrive = json!({ "deadLetterTargetArn": dead }).to_string();
    let (mut endpoint, topic, arn) = hooked(&world, &tasks, &[("RedrivePolicy", &redrive)]).await;
    let id = world.publish(&topic, "hello").await.unwrap().message_id.unwrap();
    endpoint.next().await.answer(500).await;
    world.clock.quiet().await;
    for attempt in 1..=3_u64 {
        let due = world.sns.due(10).await;
        let at = START + seconds(20 * attempt);
        assert_eq!((due[0].at, due[0].resource.as_str(), due.len()), (at, arn.as_str(), 1));
        let answer = async { endpoint.next().await.answer(503).await };
        tokio::join!(world.advance(seconds(20)), answer);
    }
    assert_eq!(world.sns.due(10).await.len(), 0);
    let body: Value = serde_json::from_str(&world.others.bodies("dead")[0]).unwrap();
    assert_eq!((body["Message"].as_str(), body["MessageId"].as_str()), (Some("hello"), Some(id.as_str())));
    assert_eq!(world.others.metric("NumberOfNotificationsFailed"), 1.0);
    assert_eq!(world.others.metric("NumberOfNotificationsRedrivenToDlq"), 1.0);
    assert_eq!(world.rows("sns-delivery").await, 0);
    let waits = |what: &&What| matches!(what, What::Waits { .. });
    assert_eq!(world.others.story(&id).iter().filter(waits).count(), 3);
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_not_tried_again() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (mut endpoint, topic, _) = hooked(&world, &tasks, &[]).await;
    let id = world.publish(&topic, "hello").await.unwrap().message_id.unwrap();
    endpoint.next().await.answer(404).await;
    world.clock.quiet().await;
    assert_eq!(world.sns.due(10).await.len(), 0);
    assert_eq!(world.others.metric("NumberOfNotificationsFailed"), 1.0);
    let reason = "the endpoint answered 404".to_owned();
    assert!(
        world
            .others
            .story(&id)
            .iter()
            .any(|what| matches!(what, What::NotSent { reason: r, .. } if *r == reason))
    );
}

#[tokio::test]
async fn virtual_time_waits_for_a_slow_endpoint() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (mut endpoint, topic, _) = hooked(&world, &tasks, &[]).await;
    world.publish(&topic, "hello").await.unwrap();
    let slow = endpoint.next().await;
    let advance = world.advance(seconds(3_600));
    let mut advance = std::pin::pin!(advance);
    tokio::select! {
        () = &mut advance => panic!("time moved on during a delivery"),
        () = async { for _ in 0..50 { tokio::task::yield_now().await } } => {}
    }
    slow.answer(200).await;
    advance.await;
    assert!(endpoint.is_idle());
}

#[tokio::test]
async fn a_delivery_survives_a_crash() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (mut endpoint, topic, _) = hooked(&world, &tasks, &[]).await;
    let world = world.crashed().await;
    world.publish(&topic, "hello").await.unwrap();
    assert!(endpoint.is_idle());
    let world = world.restarted().await;
    let notified = endpoint.next().await;
    assert_eq!(notified.json()["Message"], "hello");
    notified.answer(200).await;
    world.clock.quiet().await;
    assert_eq!(world.rows("sns-due").await, 0);
}

#[tokio::test]
async fn a_hundred_notifications_reach_an_endpoint_and_the_crowd_is_bounded() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (mut endpoint, topic, _) = hooked(&world, &tasks, &[]).await;
    for number in 0..100 {
        world.publish(&topic, &number.to_string()).await.unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..100 {
        let notified = endpoint.next().await;
        seen.push(notified.json()["Message"].as_str().unwrap().parse::<u32>().unwrap());
        notified.answer(200).await;
    }
    world.clock.quiet().await;
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert!(endpoint.is_idle());
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_keeps_no_other_waiting() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (mut silent, topic, _) = hooked(&world, &tasks, &[]).await;
    for number in 0..200 {
        world.publish(&topic, &number.to_string()).await.unwrap();
    }
    let first = silent.next().await;
    let mut other = Endpoint::open(&tasks).await;
    world.subscribe(&topic, "http", &other.url, &[]).await.unwrap();
    // Less than it takes until those that wait give up.
    let asked = clock::execution_timeout(seconds(10), other.next()).await.unwrap();
    assert_eq!(asked.json()["Type"], "SubscriptionConfirmation");
    asked.answer(200).await;
    first.answer(200).await;
    for _ in 1..200 {
        silent.next().await.answer(200).await;
    }
    world.clock.quiet().await;
    assert!(silent.is_idle());
}

#[tokio::test]
async fn nobody_at_home_is_a_failure_that_is_tried_again() {
    let (world, tasks) = (World::new().await, Tasks::new());
    let (endpoint, topic, _) = hooked(&world, &tasks, &[]).await;
    drop(endpoint);
    tasks.drain().await;
    world.publish(&topic, "hello").await.unwrap();
    world.clock.quiet().await;
    assert_eq!(world.sns.due(10).await.len(), 1);
    world.advance(seconds(60)).await;
    assert_eq!(world.sns.due(10).await.len(), 0);
    assert_eq!(world.others.metric("NumberOfNotificationsFailed"), 1.0);
}
