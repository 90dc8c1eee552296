use std::sync::atomic::Ordering;

use store::{Applied, CommitError};
use targets::{Agenda, What};

use super::*;

fn redrive(queue: &str) -> String {
    json!({ "deadLetterTargetArn": queue }).to_string()
}

#[tokio::test]
async fn what_a_missing_queue_would_have_got_goes_to_the_dead_letter_queue() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let dead = world.others.add_queue("dead");
    world.queue(&topic, "raw", &[("RawMessageDelivery", "true"), ("RedrivePolicy", &redrive(&dead))]).await;
    world.queue(&topic, "plain", &[("RedrivePolicy", &redrive(&dead))]).await;
    for queue in ["raw", "plain"] {
        world.others.remove_queue(&format!("arn:aws:sqs:eu-central-1:000000000000:{queue}"));
    }
    let id = world.publish(&topic, "m").await.unwrap().message_id.unwrap();
    let mut bodies = world.others.bodies("dead");
    bodies.sort();
    assert_eq!(bodies[0], "m");
    assert_eq!(serde_json::from_str::<Value>(&bodies[1]).unwrap()["MessageId"], id);
    assert_eq!(world.others.metric("NumberOfNotificationsFailed"), 2.0);
    assert_eq!(world.others.metric("NumberOfNotificationsRedrivenToDlq"), 2.0);
    let redriven = world.others.story(&id).into_iter().filter(
        |what| matches!(what, What::Sent { role, to, .. } if role == "dead-letter queue" && *to == dead),
    );
    assert_eq!(redriven.count(), 2);
}

#[tokio::test]
async fn a_missing_functions_dead_letter_is_the_envelope() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let dead = world.others.add_queue("dead");
    let function = "arn:aws:lambda:eu-central-1:000000000000:function:missing";
    world.subscribe(&topic, "lambda", function, &[("RedrivePolicy", &redrive(&dead))]).await.unwrap();
    world.publish(&topic, "m").await.unwrap();
    let body: Value = serde_json::from_str(&world.others.bodies("dead")[0]).unwrap();
    assert_eq!((body["Type"].as_str(), body["Message"].as_str()), (Some("Notification"), Some("m")));
}

#[tokio::test]
async fn a_dead_letter_queue_that_is_missing_too_is_counted() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let missing = "arn:aws:sqs:eu-central-1:000000000000:nowhere";
    world.subscribe(&topic, "sqs", missing, &[("RedrivePolicy", &redrive(missing))]).await.unwrap();
    world.publish(&topic, "m").await.unwrap();
    assert_eq!(world.others.metric("NumberOfNotificationsFailedToRedriveToDlq"), 1.0);
    assert_eq!(world.rows("sns-due").await, 0);
}

#[tokio::test]
async fn what_is_not_available_gets_it_later() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[("RawMessageDelivery", "true")]).await;
    // At once, three times without delay, and once a second later.
    world.others.unavailable.store(5, Ordering::Relaxed);
    let id = world.publish(&topic, "m").await.unwrap().message_id.unwrap();
    world.clock.quiet().await;
    assert_eq!(world.others.bodies("q").len(), 0);
    let due = world.sns.due(10).await;
    assert_eq!((due.len(), due[0].id.as_str(), due[0].at), (1, id.as_str(), world::START + seconds(1)));
    world.advance(seconds(1)).await;
    assert_eq!(world.others.bodies("q").len(), 0);
    world.advance(seconds(1)).await;
    assert_eq!(world.others.bodies("q"), ["m"]);
    assert_eq!((world.rows("sns-due").await, world.rows("sns-delivery").await), (0, 0));
    assert_eq!(world.others.metric("NumberOfNotificationsDelivered"), 1.0);
    let story = world.others.story(&id);
    assert_eq!(story.last(), Some(&What::Ended { condition: "Success".to_owned() }));
    assert_eq!(story.iter().filter(|what| matches!(what, What::Ended { .. })).count(), 1);
}

#[tokio::test]
async fn a_retry_survives_a_crash() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[("RawMessageDelivery", "true")]).await;
    world.others.unavailable.store(5, Ordering::Relaxed);
    world.publish(&topic, "m").await.unwrap();
    world.clock.quiet().await;
    let world = world.restarted().await;
    world.advance(seconds(5)).await;
    assert_eq!(world.others.bodies("q"), ["m"]);
}

#[tokio::test]
async fn a_commit_that_fails_delivers_nothing() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "one", &[]).await;
    world.queue(&topic, "two", &[]).await;
    world.publish(&topic, "warm").await.unwrap();
    world.store.fail_next_commit(CommitError::Unavailable("disk full".to_owned()), Applied::No);
    let error = world.publish(&topic, "lost").await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("InternalError", 500));
    assert_eq!((world.others.received("one").len(), world.others.received("two").len()), (1, 1));
    assert_eq!(world.rows("queue").await, 2);
    assert_eq!(world.others.metric("NumberOfMessagesPublished"), 1.0);
}

/// Its pause in real time passes at once.
#[tokio::test(start_paused = true)]
async fn a_delivery_whose_commit_is_uncertain_is_not_made_twice() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    world.publish(&topic, "warm").await.unwrap();
    world.others.unavailable.store(5, Ordering::Relaxed);
    world.publish(&topic, "m").await.unwrap();
    // The one that fails once more, and then the one that succeeds.
    world.advance(seconds(1)).await;
    world.store.fail_next_commit(CommitError::Unknown("the reply was lost".to_owned()), Applied::Yes);
    world.advance(seconds(60)).await;
    assert_eq!((world.rows("queue").await, world.rows("sns-due").await), (2, 0));
}

#[tokio::test]
async fn a_queue_that_changed_during_the_commit_is_asked_again() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    world.publish(&topic, "warm").await.unwrap();
    world.store.fail_next_commit(CommitError::Conflict(store::key(&[])), Applied::No);
    world.publish(&topic, "m").await.unwrap();
    assert_eq!(world.others.received("q").len(), 2);
    assert_eq!(world.others.metric("NumberOfMessagesPublished"), 2.0);
}
