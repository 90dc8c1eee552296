//! Long polls, and time that waits.

use std::time::Duration;

use clock::Clock;
use queue::{Message, Queue, Receive, Settings};
use store::Store;
use tokio::task::JoinHandle;

use crate::harness::{
    START, World, at_most, bodies, counts, dead_letter, fifo, grouped, message, receive, send, standard,
};
use tasks::Tasks;

fn poll(queue: &Queue, max: usize) -> JoinHandle<Vec<Message>> {
    let queue = queue.clone();
    Tasks::new().spawn("client", async move {
        queue.receive(Receive { wait: Duration::from_secs(20), ..at_most(max) }).await.unwrap()
    })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_send_wakes_who_waits_longest() {
    let world = World::new();
    let queue = world.open("q", standard());
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(poll(&queue, 10));
        settle().await;
    }
    send(&queue, [message("a")]).await;
    assert_eq!(polls.remove(0).await.unwrap()[0].body, "a");
    settle().await;
    assert!(polls.iter().all(|poll| !poll.is_finished()));
    // One who goes away does not take the message with him.
    polls.remove(0).abort();
    settle().await;
    let (mut other, _) = queue.prepare_send(message("b")).await.unwrap();
    settle().await;
    assert!(!polls[0].is_finished());
    world.store.commit(std::mem::take(&mut other.part)).await.unwrap();
    other.committed();
    assert_eq!(polls.remove(0).await.unwrap()[0].body, "b");
}

#[tokio::test]
async fn a_woken_receiver_that_goes_away_wakes_the_next() {
    let world = World::new();
    let queue = world.open("q", standard());
    let first = poll(&queue, 1);
    settle().await;
    let second = poll(&queue, 1);
    settle().await;
    let (mut prepared, _) = queue.prepare_send(message("a")).await.unwrap();
    world.store.commit(std::mem::take(&mut prepared.part)).await.unwrap();
    prepared.committed();
    // Woken, and never to run again.
    first.abort();
    assert_eq!(second.await.unwrap()[0].body, "a");
}

#[tokio::test]
async fn an_empty_wait_ends() {
    let world = World::new();
    let queue = world.open("q", standard());
    let request = Receive { wait: Duration::from_millis(20), ..at_most(1) };
    assert!(queue.receive(request).await.unwrap().is_empty());
    assert_eq!(world.clock.now(), START);
}

#[tokio::test]
async fn the_end_of_a_wait_wakes_receivers_at_its_time() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open(
        "q",
        Settings { delay: Duration::from_secs(5), dead_letter: dead_letter("dead", 1), ..standard() },
    );
    send(&queue, [message("a")]).await;
    let polling = queue.clone();
    let clock = world.clock.clone();
    let seen = Tasks::new().spawn("client", async move {
        let request = Receive { wait: Duration::from_secs(20), ..at_most(1) };
        let (messages, hold) = polling.receive_held(request).await.unwrap();
        // Whatever follows happens at this time.
        settle().await;
        let at = clock.now();
        drop(hold);
        (messages[0].body.clone(), at)
    });
    settle().await;
    world.advance(3_600).await;
    assert_eq!(seen.await.unwrap(), ("a".to_owned(), START + Duration::from_secs(5)));
    // The next receive moves it on, and that wakes who waits there.
    let (waiting, moving) = (poll(&dead, 1), poll(&queue, 1));
    assert_eq!(waiting.await.unwrap()[0].body, "a");
    moving.abort();
}

#[tokio::test]
async fn a_freed_group_wakes_who_waits() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, ["a1", "a2"].map(|body| grouped(body, "a"))).await;
    let first = receive(&queue, 1).await.remove(0);
    let next = poll(&queue, 10);
    settle().await;
    assert!(!next.is_finished());
    queue.delete(&[first.receipt]).await.remove(0).unwrap();
    assert_eq!(next.await.unwrap()[0].body, "a2");
    let after = poll(&queue, 10);
    settle().await;
    world.advance(30).await;
    assert_eq!(after.await.unwrap()[0].receive_count, 2);
}

#[tokio::test]
async fn one_wave_of_messages_serves_all_who_wait() {
    let world = World::new();
    let queue = world.open("q", standard());
    let polls: Vec<_> = (0..50).map(|_| poll(&queue, 1)).collect();
    settle().await;
    for n in 0..5 {
        send(&queue, (0..10).map(|m| message(&format!("{n}-{m}")))).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for poll in polls {
        seen.extend(poll.await.unwrap().into_iter().map(|message| message.body));
    }
    assert_eq!(seen.len(), 50);
    assert_eq!(counts(&queue).await, (0, 50, 0));
    assert!(bodies(&queue, 1).await.is_empty());
}
