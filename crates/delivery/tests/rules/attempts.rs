//! When an event is attempted, and when it is given up.

use super::*;

#[tokio::test]
async fn an_event_runs_once_and_is_gone() {
    let world = World::new();
    world.accept("f", "1").await;
    world.advance(0).await;
    assert_eq!(world.fakes.attempts_of("1"), [0]);
    assert_eq!(world.fakes.story(), ["0 accepted", "0 attempt 1", "0 Success"]);
    assert_eq!(world.fakes.metric("AsyncEventsReceived"), [1.0]);
    assert_eq!(world.fakes.metric("AsyncEventAge"), [0.0]);
    assert!(world.fakes.metric("AsyncEventsDropped").is_empty());
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_failing_function_gets_three_attempts_under_one_id_then_the_dead_letter_queue() {
    let world = World::new();
    let queue = arn("sqs", "dlq");
    world.fakes.configure("f", Some(EventSettings { dead_letter: Some(queue.clone()), ..settings() }));
    world.fakes.behave(fails);
    world.accept("f", "{\"n\": 1}").await;
    world.advance(0).await;
    let due = world.process.delivery.due(5).await;
    assert_eq!(
        (due.len(), due[0].at, &*due[0].what),
        (1, START + Duration::from_secs(60), "retry of an event")
    );
    world.advance(179).await;
    assert_eq!(world.messages_to(&queue), Vec::<String>::new());
    world.advance(1).await;

    assert_eq!(world.fakes.attempts_of("{\"n\": 1}"), [0, 60, 180]);
    assert_eq!(world.fakes.metric("AsyncEventAge"), [0.0, 60_000.0, 180_000.0]);
    assert_eq!(world.messages_to(&queue), ["{\"n\": 1}"]);
    let attributes = world.fakes.messages.lock().unwrap()[0].attributes.clone();
    assert_eq!(attributes["ErrorCode"].value, AttributeValue::String("200".to_owned()));
    assert_eq!(attributes["ErrorMessage"].value, AttributeValue::String("no".to_owned()));
    let expected = [
        "0 accepted",
        "0 attempt 1",
        "0 waits until 60",
        "60 attempt 2",
        "60 waits until 180",
        "180 attempt 3",
        "180 sent to dlq as dead-letter queue",
        "180 RetriesExhausted",
    ];
    assert_eq!(world.fakes.story(), expected);
    let subjects: BTreeSet<_> =
        world.fakes.steps.lock().unwrap().iter().map(|step| step.subject.clone()).collect();
    assert_eq!(subjects.len(), 1);
    let kept = world.fakes.kept.lock().unwrap().clone();
    assert_eq!(
        (kept.len(), &*kept[0].condition, &kept[0].payload[..]),
        (1, "RetriesExhausted", &b"{\"n\": 1}"[..])
    );
    assert_eq!(world.fakes.metric("AsyncEventsDropped"), [1.0]);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn an_age_of_a_minute_has_no_room_for_a_retry() {
    let world = World::new();
    let queue = arn("sqs", "failed");
    for (name, age) in [("sixty", 60), ("ninety", 90)] {
        let settings = EventSettings {
            maximum_event_age: Duration::from_secs(age),
            on_failure: Some(queue.clone()),
            ..settings()
        };
        world.fakes.configure(name, Some(settings));
    }
    world.fakes.behave(fails);
    world.accept("sixty", "1").await;
    world.advance(0).await;
    world.accept("ninety", "2").await;
    world.advance(60).await;
    let records = world.messages_to(&queue);
    assert!(
        records[0].contains("\"condition\":\"EventAgeExceeded\",\"approximateInvokeCount\":1"),
        "{records:?}"
    );
    assert!(
        records[1].contains("\"condition\":\"EventAgeExceeded\",\"approximateInvokeCount\":2"),
        "{records:?}"
    );
    assert!(records[1].contains("\"functionError\":\"Unhandled\""), "{records:?}");
    assert_eq!((world.fakes.attempts_of("1"), world.fakes.attempts_of("2")), (vec![0], vec![0, 60]));
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn throttles_use_up_no_retries_but_the_age() {
    let world = World::new();
    let queue = arn("sqs", "failed");
    let settings = EventSettings {
        maximum_event_age: Duration::from_secs(60),
        maximum_retry_attempts: 0,
        on_failure: Some(queue.clone()),
        ..settings()
    };
    world.fakes.configure("f", Some(settings));
    world.fakes.behave(|_| Some(Attempt::Throttled));
    world.accept("f", "1").await;
    world.advance(0).await;
    let due = world.process.delivery.due(5).await;
    assert_eq!((due.len(), due[0].at), (1, START + Duration::from_secs(1)));
    world.advance(59).await;
    assert_eq!(world.messages_to(&queue), Vec::<String>::new());
    world.advance(1).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 1, 3, 7, 15, 31]);
    let records = world.messages_to(&queue);
    assert!(
        records[0].contains("\"condition\":\"EventAgeExceeded\",\"approximateInvokeCount\":0"),
        "{records:?}"
    );
    assert!(!records[0].contains("response"), "{records:?}");
    assert_eq!(world.fakes.story().last().unwrap(), "60 EventAgeExceeded");
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn after_throttles_the_function_fails_as_often_as_ever() {
    let world = World::new();
    let calls = AtomicUsize::new(0);
    world.fakes.behave(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 | 1 | 3 => Some(Attempt::Throttled),
        _ => Some(ran(Some("no"))),
    });
    world.accept("f", "1").await;
    world.advance(3_600).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 1, 3, 63, 64, 184]);
    world.accept("f", "2").await;
    world.advance(0).await;
    assert_eq!(world.fakes.attempts_of("2"), [3_600]);
    world.advance(3_600).await;
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_system_error_puts_off_one_event_and_no_other() {
    let world = World::new();
    let calls = AtomicUsize::new(0);
    world.fakes.behave(move |event| match &event.payload[..] {
        b"1" if calls.fetch_add(1, Ordering::Relaxed) < 3 => Some(Attempt::SystemError("disk".to_owned())),
        _ => Some(ran(None)),
    });
    world.accept("f", "1").await;
    world.accept("f", "2").await;
    world.advance(20).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 1, 3, 7]);
    assert_eq!(world.fakes.attempts_of("2"), [0]);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn reserved_concurrency_zero_attempts_nothing() {
    let world = World::new();
    let (queue, dlq) = (arn("sqs", "failed"), arn("sqs", "dlq"));
    let settings = EventSettings {
        is_switched_off: true,
        on_failure: Some(queue.clone()),
        dead_letter: Some(dlq.clone()),
        ..settings()
    };
    world.fakes.configure("f", Some(settings));
    world.accept("f", "1").await;
    world.advance(0).await;
    assert!(world.fakes.attempts_of("1").is_empty());
    let records = world.messages_to(&queue);
    assert!(
        records[0].contains("\"condition\":\"ZeroReservedConcurrency\",\"approximateInvokeCount\":0"),
        "{records:?}"
    );
    assert!(!records[0].contains("response"), "{records:?}");
    assert_eq!(world.messages_to(&dlq), ["1"]);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_loop_that_is_stopped_ends_in_the_dead_letter_queue() {
    let world = World::new();
    let dlq = arn("sqs", "dlq");
    world.fakes.configure("f", Some(EventSettings { dead_letter: Some(dlq.clone()), ..settings() }));
    world.fakes.behave(|_| Some(Attempt::LoopStopped));
    world.accept("f", "1").await;
    world.advance(0).await;
    assert_eq!(world.messages_to(&dlq), ["1"]);
    assert_eq!(world.fakes.story().last().unwrap(), "0 RecursiveInvocationException");
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn the_events_of_a_function_that_is_gone_are_dropped_audibly() {
    let world = World::new();
    let dlq = arn("sqs", "dlq");
    world.fakes.configure("gone", None);
    world.fakes.configure("going", Some(EventSettings { dead_letter: Some(dlq.clone()), ..settings() }));
    world.fakes.behave(|_| Some(Attempt::Gone));
    for name in ["gone", "going"] {
        world.accept(name, "1").await;
        world.advance(0).await;
        assert_eq!(world.fakes.story().last().unwrap(), "0 FunctionNotFound");
    }
    assert_eq!(world.messages_to(&dlq), Vec::<String>::new());
    assert_eq!(world.fakes.metric("AsyncEventsDropped"), [1.0, 1.0]);
    assert_eq!(world.fakes.kept.lock().unwrap().len(), 2);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn while_nothing_can_be_said_of_a_function_its_events_wait() {
    let world = World::new();
    world.fakes.is_silent.store(true, Ordering::Relaxed);
    world.accept("f", "1").await;
    world.advance(2).await;
    assert!(world.fakes.attempts_of("1").is_empty());
    assert_eq!(world.process.delivery.due(2).await[0].at, START + Duration::from_secs(3));
    world.fakes.is_silent.store(false, Ordering::Relaxed);
    world.advance(1).await;
    assert_eq!(world.fakes.attempts_of("1"), [3]);
    world.assert_nothing_is_left().await;
}
