//! What follows when the function fails, cannot be run, or says that some messages failed.

use std::sync::atomic::Ordering;

use event_source::Mapping;
use queue::{NewMessage, Settings};
use store::{Applied, CommitError};

use crate::world::{Does, World, dead_letter, mapping, message, ok, secs, send, standard};

fn reporting() -> Mapping {
    Mapping { reports_batch_item_failures: true, ..mapping("m") }
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_comes_back_when_its_visibility_ends_and_goes_to_the_dead_letter_queue() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter(&dead, 3), ..standard() });
    world.create(mapping("m")).await;
    world.behave(|_| Does::Fails);
    send(&queue, ["a", "b"].map(message)).await;
    world.advance(secs(29)).await;
    assert_eq!((world.calls().len(), world.counts("q").await), (1, (0, 2)));
    assert_eq!(world.result("m").await.as_deref(), Some("PROBLEM: Function call failed"));
    world.advance(secs(200)).await;
    let times: Vec<u64> =
        world.calls().iter().filter(|call| call.has("a")).map(|call| call.at.as_secs()).collect();
    assert_eq!(times, [0, 30, 60]);
    assert!(world.is_empty("q").await);
    assert_eq!(world.bodies("dead").await, ["a", "b"]);
    assert!((world.figure("FailedInvokeEventCount") - 6.0).abs() < 0.1);
    assert!(world.figure("DeletedEventCount").abs() < 0.1);
    world.behave(|_| ok());
    send(&queue, [message("c")]).await;
    world.until(async || world.is_empty("q").await).await;
    world.until(async || world.result("m").await.as_deref() == Some("OK")).await;
}

#[tokio::test(start_paused = true)]
async fn a_partial_response_deletes_the_others() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(reporting()).await;
    world.behave(|call| match call.at.as_secs() {
        0 => Does::Answers(call.failures(&["b", "d"])),
        _ => ok(),
    });
    send(&queue, ["a", "b", "c", "d"].map(message)).await;
    world.advance(secs(1)).await;
    assert_eq!(world.counts("q").await, (0, 2));
    world.advance(secs(60)).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.handled(), ["a", "b", "b", "c", "d", "d"]);
    assert!((world.figure("DeletedEventCount") - 4.0).abs() < 0.1);
    assert!((world.figure("FailedInvokeEventCount") - 2.0).abs() < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_response_fails_the_batch_if_it_is_looked_at() {
    for (reports, calls) in [(true, 2), (false, 1)] {
        let world = World::new();
        let queue = world.open("q", standard());
        world.create(Mapping { reports_batch_item_failures: reports, ..mapping("m") }).await;
        let malformed = r#"{"batchItemFailures":[{"itemIdentifier":"nobody"}]}"#;
        world.behave(move |call| match call.at.as_secs() {
            0 => Does::Answers(malformed.to_owned()),
            _ => ok(),
        });
        send(&queue, ["a", "b"].map(message)).await;
        world.advance(secs(31)).await;
        let seen = world.handled().iter().filter(|body| *body == "a").count();
        assert_eq!((seen, world.is_empty("q").await), (calls, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_batch_is_tried_again_without_being_received_again() {
    for turned_away in [|| Does::IsThrottled, || Does::IsNotReady] {
        let world = World::new();
        let queue = world.open("q", standard());
        world.create(mapping("m")).await;
        world.behave(move |call| if call.at < secs(5) { turned_away() } else { ok() });
        send(&queue, [message("a")]).await;
        world.quiet().await;
        assert!(world.result("m").await.unwrap().starts_with("PROBLEM: "));
        world.advance(secs(20)).await;
        assert!(world.is_empty("q").await);
        let calls = world.calls();
        assert!((4..10).contains(&calls.len()), "{calls:?}");
        let last = calls.last().unwrap();
        assert_eq!(last.event["Records"][0]["attributes"]["ApproximateReceiveCount"], "1");
        assert!(last.at < secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_batch_goes_back_to_its_queue_in_the_end() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    world.behave(|call| if call.at < secs(45) { Does::IsThrottled } else { ok() });
    send(&queue, [message("a")]).await;
    world.advance(secs(200)).await;
    assert!(world.is_empty("q").await);
    let counts: Vec<String> = world
        .calls()
        .iter()
        .map(|call| call.event["Records"][0]["attributes"]["ApproximateReceiveCount"].to_string())
        .collect();
    assert_eq!((counts.first().unwrap().as_str(), counts.last().unwrap().as_str()), ("\"1\"", "\"2\""));
    assert!(counts.len() > 6);
}

/// Reserved concurrency that others use is free again in real time, while platform time stands still.
#[tokio::test(start_paused = true)]
async fn a_throttled_batch_needs_no_virtual_time() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    let left = std::sync::atomic::AtomicUsize::new(3);
    world.behave(move |_| {
        let turns_away = left.load(Ordering::Relaxed) > 0;
        left.fetch_sub(usize::from(turns_away), Ordering::Relaxed);
        if turns_away { Does::IsThrottled } else { ok() }
    });
    send(&queue, [message("a")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.outside.since_start(), secs(0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_for_a_function_that_is_gone() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    world.behave(|_| Does::IsGone);
    world.outside.has_function.store(false, Ordering::Relaxed);
    send(&queue, [message("a")]).await;
    world.quiet().await;
    assert_eq!(world.result("m").await.as_deref(), Some("PROBLEM: Function not found"));
    let calls = world.calls().len();
    assert!(calls <= 2);
    world.behave(|_| ok());
    world.outside.has_function.store(true, Ordering::Relaxed);
    world.advance(secs(120)).await;
    world.until(async || world.is_empty("q").await).await;
}

#[tokio::test(start_paused = true)]
async fn the_messages_of_a_loop_are_given_up_and_the_others_run() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter(&dead, 5), ..standard() });
    world.create(mapping("m")).await;
    world.behave(|call| if call.has("a") { Does::Loops(vec!["Root=1-loop".to_owned()]) } else { ok() });
    let of_loop = NewMessage { trace_header: Some("Root=1-loop".to_owned()), ..message("a") };
    let other = NewMessage { trace_header: Some("Root=1-other".to_owned()), ..message("b") };
    send(&queue, [of_loop, other, message("c")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches(), [vec!["a", "b", "c"], vec!["b", "c"]]);
    assert_eq!(world.bodies("dead").await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_failed_is_done_again() {
    for error in [CommitError::Unavailable("no".to_owned()), CommitError::Unknown("lost".to_owned())] {
        let world = World::new();
        let queue = world.open("q", standard());
        world.create(mapping("m")).await;
        let (store, failing) = (world.outside.store.clone(), error.clone());
        world.behave(move |_| {
            store.fail_next_commit(failing.clone(), Applied::No);
            ok()
        });
        send(&queue, [message("a")]).await;
        world.until(async || world.is_empty("q").await).await;
        world.advance(secs(100)).await;
        assert_eq!(world.batches(), [["a"]]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_does_not_end_a_poller() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    for n in 0..5 {
        let (mut prepared, _) = queue.prepare_send(message(&n.to_string())).await.unwrap();
        let part = std::mem::take(&mut prepared.part);
        store::Store::commit(&*world.outside.store, part).await.unwrap();
        let error = CommitError::Unavailable("no".to_owned());
        world.outside.store.fail_next_commit(error, Applied::No);
        prepared.committed();
        world.until(async || world.is_empty("q").await).await;
    }
    assert_eq!(world.handled(), ["0", "1", "2", "3", "4"]);
}
