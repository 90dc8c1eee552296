//! What faults and restarts change: nothing.

use super::*;

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
    world.process = Process::start(&world.fakes, world.store.clone());
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
