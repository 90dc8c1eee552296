use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use clock::Timestamp;
use ids::{AccountId, FunctionArn, Region};
use store::{MemoryStore, Snapshot, Store, Version, prefix_end};
use targets::{Attempted, What};

use super::*;
use crate::Happened;

const START: Timestamp = Timestamp::from_millis(1_706_688_309_123);

/// A store that can be made to refuse.
#[derive(Debug, Default)]
struct Disk {
    store: MemoryStore,
    full: AtomicBool,
}

#[async_trait]
impl Store for Disk {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot().await
    }

    async fn commit(&self, transaction: Transaction) -> Result<Version, CommitError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(CommitError::Unavailable("the disk is full".to_owned()));
        }
        self.store.commit(transaction).await
    }
}

struct World {
    disk: Arc<Disk>,
    tasks: Tasks,
    trace: Trace,
}

impl World {
    fn new() -> Self {
        Self::with_bounds(Bounds::default())
    }

    fn with_bounds(bounds: Bounds) -> Self {
        let (disk, tasks) = (Arc::new(Disk::default()), Tasks::new());
        let parts = TraceParts { store: disk.clone(), tasks: tasks.clone() };
        Self { disk, tasks, trace: Trace::with_bounds(parts, bounds) }
    }

    /// The same data after a stop and a start.
    async fn restart(self) -> Self {
        self.tasks.drain().await;
        let tasks = Tasks::new();
        let parts = TraceParts { store: self.disk.clone(), tasks: tasks.clone() };
        let trace = Trace::with_bounds(parts, self.trace.shared.bounds);
        Self { disk: self.disk, tasks, trace }
    }

    async fn entries(&self) -> usize {
        let snapshot = self.disk.snapshot().await.unwrap();
        snapshot.range(&[], &prefix_end(&[]), usize::MAX, false).await.unwrap().len()
    }

    async fn subjects(&self, id: &str) -> Vec<String> {
        let mut subjects = self.trace.story(id).await.unwrap().subjects;
        subjects.sort();
        subjects
    }

    async fn failed_ids(&self, filter: &FailedFilter, limit: usize) -> Vec<String> {
        self.trace.failed(filter, limit).await.unwrap().into_iter().map(|failed| failed.id).collect()
    }
}

fn step(after_ms: u64, subject: &str, what: What) -> Step {
    Step {
        at: START + Duration::from_millis(after_ms),
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        subject: subject.to_owned(),
        resource: "arn:aws:lambda:eu-central-1:000000000000:function:f".to_owned(),
        what,
    }
}

fn accepted(from: Option<&str>) -> What {
    What::Accepted { by: "somebody".to_owned(), from: from.map(str::to_owned), size_bytes: 2 }
}

fn sent(id: &str) -> What {
    What::Sent { to: "q".to_owned(), role: "dead-letter queue".to_owned(), id: id.to_owned() }
}

fn attempted(error: Option<(&str, &str)>) -> What {
    What::Attempted(Attempted {
        number: 1,
        version: "$LATEST".to_owned(),
        duration: Duration::from_millis(7),
        cold: true,
        error: error.map(|(kind, message)| (kind.to_owned(), message.to_owned())),
        failed_items: 0,
        log_group: "/aws/lambda/f".to_owned(),
        log_stream: "s".to_owned(),
    })
}

fn failed(id: &str, function: &str, after_ms: u64, payload_bytes: usize) -> FailedEvent {
    let arn = format!("arn:aws:lambda:eu-central-1:000000000000:function:{function}");
    FailedEvent {
        id: id.to_owned(),
        at: START + Duration::from_millis(after_ms),
        function: FunctionArn::parse(&arn).unwrap(),
        condition: "RetriesExhausted".to_owned(),
        error: Some(("E".to_owned(), "no".to_owned())),
        payload: Bytes::from("x".repeat(payload_bytes)),
    }
}

#[tokio::test]
async fn a_story_is_told_from_any_of_its_ends() {
    let world = World::new();
    let trace = &world.trace;
    trace.record(step(0, "event", accepted(None)));
    trace.record(step(30, "event", attempted(Some(("E", "no")))));
    trace.record(step(31, "event", sent("message")));
    trace.record(step(31, "message", accepted(Some("event"))));
    trace.record(step(40, "message", What::Deleted));
    // A second one, that only the receiver tells of.
    trace.record(step(50, "copy", accepted(Some("message"))));
    trace.record(step(60, "stranger", accepted(Some("other"))));

    for id in ["event", "message", "copy"] {
        let story = trace.story(id).await.unwrap();
        assert_eq!(story.subjects[0], id);
        let steps: Vec<&str> = story.steps.iter().map(|step| &*step.subject).collect();
        assert_eq!(steps, ["event", "event", "event", "message", "message", "copy"]);
        assert!(!story.truncated);
    }
    assert_eq!(trace.story("other").await.unwrap().steps[0].subject, "stranger");
    assert_eq!(trace.story("nobody").await.unwrap(), Story::default());
}

#[tokio::test]
async fn what_happens_at_one_moment_stays_in_order_over_restarts() {
    let mut world = World::new();
    for round in 0..4 {
        for number in 0..3 {
            world.trace.record(step(0, "message", What::Received { count: round * 3 + number }));
        }
        world = world.restart().await;
    }
    let story = world.trace.story("message").await.unwrap();
    let counts: Vec<u32> = story
        .steps
        .iter()
        .map(|step| match step.what {
            What::Received { count } => count,
            _ => panic!("not recorded"),
        })
        .collect();
    assert_eq!(counts, (0..12).collect::<Vec<u32>>());
    assert_eq!(world.trace.recent(5).await.unwrap(), story.steps[7..]);
}

#[tokio::test]
async fn the_oldest_steps_go_and_leave_nothing_behind() {
    let bounds = Bounds { segments: 4, segment_steps: 10, ..Bounds::default() };
    let mut world = World::with_bounds(bounds);
    for number in 0..400 {
        let what = accepted(Some(&format!("parent-{number}")));
        world.trace.record(step(number, &format!("event-{number:03}"), what));
        if number % 7 == 0 {
            world.trace.flush().await;
        }
        if number % 150 == 149 {
            world = world.restart().await;
        }
    }
    let kept = world.trace.recent(1_000).await.unwrap();
    assert_eq!(kept.len(), 40);
    assert_eq!((&*kept[0].subject, &*kept[39].subject), ("event-360", "event-399"));
    // Each is a step and a link.
    assert_eq!(world.entries().await, 80);
    assert!(world.trace.story("event-100").await.unwrap().steps.is_empty());
    assert_eq!(world.subjects("parent-399").await, ["event-399"]);
}

#[tokio::test]
async fn large_steps_fill_a_segment_sooner() {
    let bounds = Bounds { segments: 2, segment_bytes: 1_500, ..Bounds::default() };
    let world = World::with_bounds(bounds);
    for number in 0..20 {
        let reason = "r".repeat(1_000);
        world.trace.record(step(number, &format!("event-{number}"), What::Deferred { reason }));
    }
    assert_eq!(world.trace.recent(100).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_step_never_exceeds_what_the_store_can_hold() {
    let world = World::new();
    let endless = "\u{1}".repeat(1 << 20);
    for number in 0..300 {
        let mut long = step(number, &endless, attempted(Some((&endless, &endless))));
        long.resource.clone_from(&endless);
        world.trace.record(long);
        world.trace.record(step(number, "short", accepted(Some(&endless))));
    }
    assert_eq!(world.trace.recent(1_000).await.unwrap().len(), 600);
    assert_eq!(world.trace.left_out(), 0);
    assert_eq!(world.trace.story("short").await.unwrap().steps.len(), 600);
}

#[tokio::test]
async fn under_too_much_load_ordinary_steps_give_way_to_failures() {
    let world = World::with_bounds(Bounds { waiting: 10, ..Bounds::default() });
    // The writer gets no turn in between.
    for _ in 0..10 {
        assert!(!world.trace.is_overloaded());
        world.trace.record(step(0, "ordinary", What::Deleted));
    }
    world.trace.record(step(0, "ordinary", What::Deleted));
    world.trace.record(step(0, "ordinary", attempted(None)));
    let ended = |condition: &str| What::Ended { condition: condition.to_owned() };
    world.trace.record(step(0, "ordinary", ended("Success")));
    for _ in 0..5 {
        world.trace.record(step(0, "failure", attempted(Some(("E", "no")))));
        world.trace.record(step(0, "failure", ended("RetriesExhausted")));
    }
    world.trace.record(step(0, "failure", ended("RetriesExhausted")));
    assert!(world.trace.is_overloaded());
    assert_eq!(world.trace.left_out(), 5);
    assert_eq!(world.trace.story("ordinary").await.unwrap().steps.len(), 10);
    assert_eq!(world.trace.story("failure").await.unwrap().steps.len(), 10);
    assert!(!world.trace.is_overloaded());
}

#[tokio::test]
async fn a_watch_sees_what_happens_while_it_lives() {
    let world = World::with_bounds(Bounds { waiting: 1, ..Bounds::default() });
    world.trace.record(step(0, "before", What::Deleted));
    let watch = world.trace.watch();
    let second = world.trace.watch();
    // Who watches is told everything, whatever the store can take.
    for _ in 0..3 {
        assert!(!world.trace.is_overloaded());
        world.trace.record(step(1, "during", What::Deleted));
    }
    drop(second);
    let happened = watch.take();
    assert_eq!((happened.steps.len(), happened.left_out), (3, 0));
    assert_eq!(happened.steps[0].subject, "during");
    assert_eq!(watch.take(), Happened::default());
    for _ in 0..10_002 {
        world.trace.record(step(2, "many", What::Deleted));
    }
    let happened = watch.take();
    assert_eq!((happened.steps.len(), happened.left_out), (10_000, 2));
    drop(watch);
    assert!(world.trace.is_overloaded());
}

#[tokio::test]
async fn a_story_of_thousands_is_cut_and_says_so() {
    let world = World::with_bounds(Bounds { waiting: 10_000, ..Bounds::default() });
    for number in 0..300 {
        world.trace.record(step(1, "topic-message", sent(&format!("copy-{number}"))));
        world.trace.record(step(1, &format!("copy-{number}"), accepted(Some("topic-message"))));
    }
    for number in 0..2_000 {
        world.trace.record(step(1, "poison", What::Received { count: number }));
    }
    let story = world.trace.story("topic-message").await.unwrap();
    assert_eq!((story.subjects.len(), story.steps.len(), story.truncated), (200, 300 + 199, true));
    let story = world.trace.story("poison").await.unwrap();
    assert_eq!((story.steps.len(), story.truncated), (1_000, true));
}

#[tokio::test]
async fn failed_events_are_kept_with_their_payload_until_there_are_too_many() {
    let bounds = Bounds { failed: 5, ..Bounds::default() };
    let mut world = World::with_bounds(bounds);
    for number in 0..20 {
        world.trace.keep(failed(&format!("event-{number}"), "f", number, 200_000));
        if number % 3 == 0 {
            world.trace.flush().await;
        }
        if number == 10 {
            world = world.restart().await;
        }
    }
    let all = FailedFilter::default();
    let ids = ["event-19", "event-18", "event-17", "event-16", "event-15"];
    assert_eq!(world.failed_ids(&all, 100).await, ids);
    assert_eq!(world.failed_ids(&all, 2).await, ids[..2]);
    let event = world.trace.failed_event("event-15").await.unwrap().unwrap();
    assert_eq!(event, failed("event-15", "f", 15, 200_000));
    assert_eq!(world.trace.failed_event("event-14").await.unwrap(), None);
    // Of each: the list's row, the way from the id to it, the event's head and four parts.
    assert_eq!(world.entries().await, 5 * 7);
}

#[tokio::test]
async fn failed_events_are_bounded_in_bytes_too() {
    let world = World::with_bounds(Bounds { failed_bytes: 10_000, ..Bounds::default() });
    for number in 0..20 {
        world.trace.keep(failed(&format!("event-{number}"), "f", number, 3_000));
        world.trace.flush().await;
    }
    assert_eq!(world.failed_ids(&FailedFilter::default(), 100).await, ["event-19", "event-18", "event-17"]);
}

#[tokio::test]
async fn what_fails_twice_is_kept_once() {
    let world = World::with_bounds(Bounds { failed: 2, ..Bounds::default() });
    world.trace.keep(failed("twice", "f", 0, 10));
    world.trace.keep(failed("once", "f", 1, 10));
    world.trace.flush().await;
    world.trace.keep(failed("twice", "f", 2, 20));
    world.trace.keep(failed("twice", "f", 3, 30));
    let kept = world.trace.failed(&FailedFilter::default(), 100).await.unwrap();
    let seen: Vec<(&str, u64)> = kept.iter().map(|failed| (&*failed.id, failed.size_bytes)).collect();
    assert_eq!(seen, [("twice", 30), ("once", 10)]);
    assert_eq!(world.entries().await, 6);
}

#[tokio::test]
async fn failed_events_are_found_by_function_and_time() {
    let world = World::new();
    for (number, function) in ["f", "g", "f"].into_iter().enumerate() {
        let after_ms = 1_000 * number as u64;
        world.trace.keep(failed(&format!("event-{number}"), function, after_ms, 1));
    }
    let of = |function: &str| FailedFilter { function: Some(function.to_owned()), since: None };
    assert_eq!(world.failed_ids(&of("f"), 100).await, ["event-2", "event-0"]);
    let arn = "arn:aws:lambda:eu-central-1:000000000000:function:g";
    assert_eq!(world.failed_ids(&of(arn), 100).await, ["event-1"]);
    assert!(world.failed_ids(&of("h"), 100).await.is_empty());
    let since = FailedFilter { function: None, since: Some(START + Duration::from_secs(1)) };
    assert_eq!(world.failed_ids(&since, 100).await, ["event-2", "event-1"]);
}

#[tokio::test]
async fn a_replay_is_noted() {
    let world = World::new();
    world.trace.keep(failed("event", "f", 0, 1));
    world.trace.flush().await;
    world.trace.mark_replayed("event", "again").await.unwrap();
    world.trace.mark_replayed("nobody", "again").await.unwrap();
    let kept = world.trace.failed(&FailedFilter::default(), 100).await.unwrap();
    assert_eq!(kept[0].replayed_as.as_deref(), Some("again"));
}

#[tokio::test(start_paused = true)]
async fn failed_events_wait_for_a_full_disk_and_steps_do_not() {
    let world = World::new();
    world.disk.full.store(true, Ordering::Relaxed);
    world.trace.keep(failed("event", "f", 0, 1));
    world.trace.record(step(0, "event", What::Deleted));
    world.trace.flush().await;
    assert_eq!(world.trace.left_out(), 1);
    assert!(world.failed_ids(&FailedFilter::default(), 100).await.is_empty());
    world.disk.full.store(false, Ordering::Relaxed);
    world.trace.record(step(1, "event", What::Deleted));
    assert_eq!(world.failed_ids(&FailedFilter::default(), 100).await, ["event"]);
    assert_eq!(world.trace.story("event").await.unwrap().steps.len(), 1);
}

#[tokio::test]
async fn the_end_writes_what_waits_and_takes_nothing_more() {
    let world = World::new();
    world.trace.record(step(0, "event", What::Deleted));
    world.trace.keep(failed("event", "f", 0, 1));
    world.tasks.drain().await;
    world.trace.record(step(1, "event", What::Deleted));
    assert_eq!(world.trace.story("event").await.unwrap().steps.len(), 1);
    assert_eq!(world.failed_ids(&FailedFilter::default(), 100).await, ["event"]);
}
