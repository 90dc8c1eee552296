//! Who hears of the end of an event.

use super::*;

#[tokio::test]
async fn the_event_and_its_record_both_arrive_and_say_where_they_come_from() {
    let world = World::new();
    let (queue, topic) = (arn("sqs", "dlq"), arn("sns", "topic"));
    world.fakes.configure(
        "f",
        Some(EventSettings {
            dead_letter: Some(queue.clone()),
            on_failure: Some(topic.clone()),
            maximum_retry_attempts: 0,
            ..settings()
        }),
    );
    world.fakes.behave(fails);
    world.accept("f", "1").await;
    world.advance(0).await;
    assert_eq!(world.messages_to(&queue), ["1"]);
    let record = &world.messages_to(&topic)[0];
    assert!(record.contains("\"condition\":\"RetriesExhausted\",\"approximateInvokeCount\":1"), "{record}");
    assert!(record.contains("\"responsePayload\":{\"errorMessage\":\"no\"}"), "{record}");
    let id = world.fakes.kept.lock().unwrap()[0].id.clone();
    for message in world.fakes.messages.lock().unwrap().iter() {
        assert_eq!(message.from.as_ref(), Some(&id));
        assert_eq!(message.trace_header.as_deref(), Some("Root=1-2-3"));
    }
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_success_is_recorded_at_its_destination() {
    let world = World::new();
    let target = arn("lambda", "function:next");
    world.fakes.configure("f", Some(EventSettings { on_success: Some(target.clone()), ..settings() }));
    world.accept("f", "1").await;
    world.advance(0).await;
    let record = &world.messages_to(&target)[0];
    assert!(record.contains("\"condition\":\"Success\",\"approximateInvokeCount\":1"), "{record}");
    assert!(record.ends_with("\"responsePayload\":\"done\"}"), "{record}");
    assert!(world.fakes.metric("AsyncEventsDropped").is_empty());
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn one_receiver_that_fails_does_not_stop_the_other() {
    for (error, expected) in [
        (TargetError::NotFound("it".to_owned()), vec!["0 not sent to dlq as dead-letter queue"]),
        (
            TargetError::Unavailable("it".to_owned()),
            vec![
                "0 waits until 1",
                "1 waits until 6",
                "6 waits until 36",
                "36 waits until 156",
                "156 not sent to dlq as dead-letter queue",
            ],
        ),
    ] {
        let world = World::new();
        let (queue, dlq) = (arn("sqs", "failed"), arn("sqs", "dlq"));
        let settings = EventSettings {
            maximum_retry_attempts: 0,
            on_failure: Some(queue.clone()),
            dead_letter: Some(dlq.clone()),
            ..settings()
        };
        world.fakes.configure("f", Some(settings));
        world.fakes.refuse(&dlq, error);
        world.fakes.behave(fails);
        world.accept("f", "1").await;
        world.advance(0).await;
        assert_eq!(world.messages_to(&queue).len(), 1);
        assert_eq!(
            world.fakes.story()[..3],
            ["0 accepted", "0 attempt 1", "0 sent to failed as destination"]
        );
        world.advance(3_600).await;
        let story = world.fakes.story();
        assert_eq!(story[3..story.len() - 1], expected);
        assert!(story.last().unwrap().ends_with(" RetriesExhausted"), "{story:?}");
        assert_eq!(world.fakes.metric("DeadLetterErrors"), [1.0]);
        assert_eq!(world.fakes.metric("AsyncEventsDropped"), [1.0]);
        assert_eq!(world.messages_to(&queue).len(), 1);
        world.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_receiver_that_spoils_every_commit_does_not_stop_the_other() {
    for oversized in [true, false] {
        let world = World::new();
        let (queue, dlq) = (arn("sqs", "failed"), arn("sqs", "dlq"));
        let settings = EventSettings {
            maximum_retry_attempts: 0,
            on_failure: Some(queue.clone()),
            dead_letter: Some(dlq.clone()),
            ..settings()
        };
        world.fakes.configure("f", Some(settings));
        let spoilt = if oversized { &world.fakes.oversized } else { &world.fakes.conflicting };
        spoilt.lock().unwrap().push(dlq.to_string());
        world.fakes.behave(fails);
        world.accept("f", "1").await;
        world.advance(3_600).await;
        assert_eq!(world.messages_to(&queue).len(), 1);
        assert_eq!(world.fakes.metric("DeadLetterErrors"), [1.0]);
        world.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_receiver_that_comes_back_gets_the_same_record_even_after_a_restart() {
    let mut world = World::new();
    let queue = arn("sqs", "done");
    world.fakes.configure("f", Some(EventSettings { on_success: Some(queue.clone()), ..settings() }));
    world.fakes.refuse(&queue, TargetError::Unavailable("it".to_owned()));
    world.accept("f", "1").await;
    world.advance(2).await;
    assert_eq!(world.process.delivery.due(9).await[0].what, "handing over of an event that has ended");
    world.restart().await;
    world.fakes.refusals.lock().unwrap().clear();
    world.advance(10).await;
    let records = world.messages_to(&queue);
    assert_eq!(records.len(), 1);
    assert!(records[0].contains("\"timestamp\":\"2027-01-15T08:00:00.000Z\""), "{records:?}");
    assert_eq!(world.fakes.attempts_of("1"), [0]);
    assert!(world.fakes.metric("DestinationDeliveryFailures").is_empty());
    world.assert_nothing_is_left().await;
}
