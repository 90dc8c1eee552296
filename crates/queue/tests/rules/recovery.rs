//! What a kill leaves.

use std::time::Duration;

use queue::{QueueError, Receive, Settings};
use store::{Applied, CommitError, Store};

use crate::harness::{
    START, World, at_most, bodies, counts, dead_letter, fifo, grouped, message, receive, send, standard,
};
use tasks::Tasks;

#[tokio::test]
async fn what_is_in_flight_or_delayed_stays_so() {
    let world = World::new();
    let settings = || Settings { dead_letter: dead_letter("dead", 2), ..standard() };
    let queue = world.open("q", settings());
    let delayed = queue::NewMessage { delay: Some(Duration::from_secs(50)), ..message("delayed") };
    send(&queue, [message("a"), message("b"), message("c"), delayed]).await;
    let held = receive(&queue, 2).await;
    world.advance(20).await;

    let world = world.restart();
    world.open("dead", standard());
    let queue = world.open("q", settings());
    assert_eq!(counts(&queue).await, (1, 2, 1));
    assert_eq!(queue.counters().await.unwrap().oldest, Some(START));
    assert_eq!(bodies(&queue, 10).await, ["c"]);
    queue.delete(&[held[0].receipt.clone()]).await.remove(0).unwrap();
    assert_eq!(counts(&queue).await, (0, 2, 1));
    world.advance(10).await;
    let again = receive(&queue, 10).await;
    assert_eq!((again.len(), again[0].receive_count, again[0].first_received), (1, 2, START));
    world.advance(20).await;
    assert_eq!(counts(&queue).await, (2, 1, 0));

    let world = world.restart();
    let (dead, queue) = (world.open("dead", standard()), world.open("q", settings()));
    world.advance(10).await;
    // The one that was received twice goes.
    let mut left = bodies(&queue, 10).await;
    left.sort();
    assert_eq!(left, ["c", "delayed"]);
    assert_eq!(bodies(&dead, 10).await, ["b"]);
}

#[tokio::test]
async fn late_receipts_of_before_still_delete() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, [message("a"), message("b")]).await;
    let held = receive(&queue, 2).await;
    queue.change_visibility(&[(held[1].receipt.clone(), Duration::from_secs(10))]).await.remove(0).unwrap();
    world.advance(60).await;
    let world = world.restart();
    let queue = world.open("q", standard());
    for held in &held {
        queue.delete(std::slice::from_ref(&held.receipt)).await.remove(0).unwrap();
    }
    assert_eq!(counts(&queue).await, (0, 0, 0));
    assert!(receive(&queue, 10).await.is_empty());
    send(&queue, [message("c")]).await;
    assert_eq!(bodies(&queue, 10).await, ["c"]);
}

#[tokio::test]
async fn a_fifo_queue_keeps_its_locks_its_order_and_its_memory() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, ["a1", "a2", "a3"].map(|body| grouped(body, "a"))).await;
    let attempt = || Receive { attempt_id: Some("1".to_owned()), ..at_most(2) };
    let first = queue.receive(attempt()).await.unwrap();

    let world = world.restart();
    let queue = world.open("q", fifo());
    assert!(receive(&queue, 10).await.is_empty());
    assert_eq!(queue.receive(attempt()).await.unwrap(), first);
    let again = queue.send(vec![grouped("a1", "a"), grouped("a4", "a")]).await;
    assert_eq!(again[0].as_ref().unwrap().sequence_number, first[0].sequence_number);
    assert!(again[1].as_ref().unwrap().sequence_number > first[1].sequence_number);
    queue.delete(&[first[0].receipt.clone()]).await.remove(0).unwrap();

    let world = world.restart();
    let queue = world.open("q", fifo());
    world.advance(30).await;
    assert_eq!(bodies(&queue, 10).await, ["a2", "a3", "a4"]);
    let late = queue.delete(&[first[1].receipt.clone()]).await.remove(0);
    assert!(matches!(late, Err(QueueError::ReceiptExpired)));
}

#[tokio::test]
async fn a_failed_commit_changes_nothing_and_an_unknown_one_is_looked_up() {
    let world = World::new();
    let queue = world.open("q", standard());
    let fail = |error, applied| world.store.fail_next_commit(error, applied);
    let unavailable = || CommitError::Unavailable("disk".to_owned());
    let unknown = || CommitError::Unknown("disk".to_owned());
    send(&queue, [message("a")]).await;
    for error in [unavailable(), unknown()] {
        fail(error.clone(), Applied::No);
        assert!(queue.send(vec![message("b")]).await[0].is_err());
        assert_eq!(counts(&queue).await, (1, 0, 0));
        fail(error, Applied::No);
        assert!(queue.receive(at_most(1)).await.is_err());
        assert_eq!(counts(&queue).await, (1, 0, 0));
    }
    fail(unknown(), Applied::Yes);
    assert!(queue.send(vec![message("b")]).await[0].is_err());
    assert_eq!(counts(&queue).await, (2, 0, 0));
    fail(unknown(), Applied::Yes);
    assert!(queue.receive(at_most(1)).await.is_err());
    assert_eq!(counts(&queue).await, (1, 1, 0));
    let held = receive(&queue, 1).await.remove(0).receipt;
    for (error, applied, in_flight) in
        [(unavailable(), Applied::No, 2), (unknown(), Applied::No, 2), (unknown(), Applied::Yes, 1)]
    {
        fail(error, applied);
        assert!(queue.delete(std::slice::from_ref(&held)).await[0].is_err());
        assert_eq!(counts(&queue).await, (0, in_flight, 0));
    }
    assert!(queue.delete(&[held]).await[0].is_ok());
    world.advance(30).await;
    assert_eq!(receive(&queue, 10).await.len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_during_a_commit_leaves_no_gap() {
    let world = World::new();
    let queue = world.open("q", standard());
    for n in 0..20 {
        let sending = queue.clone();
        let send =
            Tasks::new().spawn("client", async move { send(&sending, [message(&n.to_string())]).await });
        for _ in 0..n % 4 {
            tokio::task::yield_now().await;
        }
        send.abort();
        let receiving = queue.clone();
        let receive = Tasks::new().spawn("client", async move { receive(&receiving, 1).await });
        for _ in 0..n % 5 {
            tokio::task::yield_now().await;
        }
        receive.abort();
    }
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let (visible, in_flight, _) = counts(&queue).await;
    assert!(visible + in_flight > 5);
    let live = (visible, in_flight, 0);
    let world = world.restart();
    let queue = world.open("q", standard());
    assert_eq!(counts(&queue).await, live);
    world.advance(30).await;
    let mut count = 0;
    while let [_, ..] = &receive(&queue, 1).await[..] {
        count += 1;
    }
    assert_eq!(count, visible + in_flight);
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing() {
    let world = World::new();
    for (name, settings) in [("standard", standard()), ("fifo", fifo())] {
        let queue = world.open(name, settings);
        send(&queue, [grouped("a", "g")]).await;
    }
    world.advance(3_600).await;
    for (name, settings) in [("standard", standard()), ("fifo", fifo())] {
        send(&world.open(name, settings), [grouped("b", "g")]).await;
    }
    let store = world.store.clone();
    drop(world.restart());
    let world = World::over(store, std::sync::Arc::new(clock::VirtualClock::new(START)));
    for (name, settings) in [("standard", standard()), ("fifo", fifo())] {
        let queue = world.open(name, settings);
        send(&queue, [grouped("c", "g")]).await;
        let mut got = bodies(&queue, 10).await;
        got.sort();
        assert_eq!(got, ["a", "b", "c"], "{name}");
    }
    assert!(world.store.snapshot().await.is_ok());
}
