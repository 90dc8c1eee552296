//! Each rule of asynchronous invocation, from the acceptance of an event to what is left of it.

#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clock::Clock;
use delivery::{Attempt, EventSettings};
use ids::IdSource;
use store::{Applied, CommitError, MemoryStore};
use targets::{Agenda, AttributeValue, TargetError};

use world::{Fakes, Process, START, arn, function, ran, rows, settings};

struct World {
    fakes: Arc<Fakes>,
    store: Arc<MemoryStore>,
    ids: Arc<IdSource>,
    process: Process,
}

impl World {
    fn new() -> Self {
        let (fakes, store, ids) = (Fakes::new(), Arc::new(MemoryStore::new()), Arc::new(IdSource::seeded(1)));
        let process = Process::start(&fakes, store.clone(), ids.clone());
        Self { fakes, store, ids, process }
    }

    async fn accept(&self, name: &str, payload: &str) {
        self.process.accept(&self.fakes, &self.ids, function(name), payload).await.unwrap();
    }

    async fn advance(&self, secs: u64) {
        let target = self.fakes.clock.now() + Duration::from_secs(secs);
        self.fakes.clock.advance_to(target).await;
    }

    /// The process ends, and another one begins.
    async fn restart(&mut self) {
        self.process.tasks.drain().await;
        self.process = Process::start(&self.fakes, self.store.clone(), self.ids.clone());
    }

    async fn assert_nothing_is_left(&self) {
        self.fakes.clock.quiet().await;
        assert!(rows(&*self.store, "event").await.is_empty());
        assert!(rows(&*self.store, "event-part").await.is_empty());
        assert!(self.process.delivery.backlog().is_empty());
        assert_eq!(self.fakes.clock.next_due(), None);
    }

    fn messages_to(&self, receiver: &ids::Arn) -> Vec<String> {
        let messages = self.fakes.messages.lock().unwrap();
        messages
            .iter()
            .filter(|message| message.to == receiver.to_string())
            .map(|message| message.body.clone())
            .collect()
    }
}

fn fails(_: &delivery::Event) -> Option<Attempt> {
    Some(ran(Some("no")))
}

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
        0 | 1 => Some(Attempt::Throttled),
        _ => Some(ran(Some("no"))),
    });
    world.accept("f", "1").await;
    world.advance(3_600).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 1, 3, 63, 183]);
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

#[tokio::test]
async fn events_and_retries_survive_a_restart_and_large_ones_too() {
    let mut world = World::new();
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    world.fakes.behave(fails);
    world.accept("f", "1").await;
    world.accept("f", &large).await;
    world.advance(30).await;
    assert!(!rows(&*world.store, "event-part").await.is_empty());
    world.restart().await;
    world.advance(3_600).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 60, 180]);
    assert_eq!(world.fakes.attempts_of(&large), [0, 60, 180]);
    world.assert_nothing_is_left().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_the_shutdown_cuts_off_is_made_again() {
    let mut world = World::new();
    world.fakes.behave(|_| None);
    world.accept("f", "1").await;
    tokio::task::yield_now().await;
    world.restart().await;
    world.fakes.behave(|_| Some(ran(None)));
    world.fakes.attempts.lock().unwrap().clear();
    world.process.tasks.drain().await;
    world.process = Process::start(&world.fakes, world.store.clone(), world.ids.clone());
    world.advance(0).await;
    assert_eq!(world.fakes.attempts_of("1"), [0]);
    assert_eq!(world.fakes.story().iter().filter(|step| step.contains("attempt 1")).count(), 1);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_commit_that_fails_accepts_nothing_and_one_of_unknown_outcome_perhaps() {
    let world = World::new();
    let accept = || world.process.accept(&world.fakes, &world.ids, function("f"), "1");
    world.store.fail_next_commit(CommitError::Unavailable("disk".to_owned()), Applied::No);
    assert!(accept().await.is_err());
    world.advance(1).await;
    assert!(world.fakes.attempts_of("1").is_empty());
    world.store.fail_next_commit(CommitError::Unknown("lost".to_owned()), Applied::No);
    assert!(accept().await.is_err());
    world.advance(1).await;
    assert!(world.fakes.attempts_of("1").is_empty());
    world.store.fail_next_commit(CommitError::Unknown("lost".to_owned()), Applied::Yes);
    assert!(accept().await.is_err());
    world.advance(1).await;
    assert_eq!(world.fakes.attempts_of("1"), [2]);
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_panic_in_a_function_costs_one_attempt_and_no_event() {
    let world = World::new();
    let calls = AtomicUsize::new(0);
    world.fakes.behave(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => std::panic::resume_unwind(Box::new("a panic")),
        _ => Some(ran(None)),
    });
    world.accept("f", "1").await;
    world.advance(5).await;
    assert_eq!(world.fakes.attempts_of("1"), [0, 1]);
    world.assert_nothing_is_left().await;
}
