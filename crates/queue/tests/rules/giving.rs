//! Messages that are sent while somebody waits: one commit does both.

use std::time::Duration;

use clock::{Clock, Hold};
use queue::{Message, Poll, Queue, Receive, Settings};
use store::{Store, Transaction};
use targets::{Prepared, Settled, What};
use tasks::Tasks;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::{
    START, World, arn, at_most, bodies, counts, dead_letter, fifo, grouped, message, receive, send, standard,
};

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Somebody who waits.
async fn wait_with(queue: &Queue, request: Receive) -> JoinHandle<Vec<Message>> {
    let queue = queue.clone();
    let waiting = Tasks::new().spawn("client", async move {
        queue.receive(Receive { wait: Duration::from_secs(20), ..request }).await.unwrap()
    });
    settle().await;
    assert!(!waiting.is_finished());
    waiting
}

async fn wait(queue: &Queue) -> JoinHandle<Vec<Message>> {
    wait_with(queue, at_most(10)).await
}

/// Somebody who goes away while his receive is being committed.
async fn begin(queue: &Queue, request: Receive) {
    tokio::select! {
        biased;
        _ = queue.receive(request) => panic!("it is over already"),
        () = std::future::ready(()) => {}
    }
}

/// A message on its way.
async fn prepare(queue: &Queue, body: &str) -> Prepared {
    queue.prepare_send(message(body)).await.unwrap().0
}

impl World {
    async fn commit(&self, prepared: &mut Prepared) {
        self.store.commit(std::mem::take(&mut prepared.part)).await.unwrap();
    }
}

#[tokio::test]
async fn it_is_received_in_the_commit_of_its_send() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    // What changes nothing tells the version.
    let before = world.store.commit(Transaction::new()).await.unwrap();
    send(&queue, [message("a")]).await;
    let received = waiting.await.unwrap().remove(0);
    let after = world.store.commit(Transaction::new()).await.unwrap();
    assert_eq!(after.0 - before.0, 1);
    assert_eq!((received.receive_count, received.first_received), (1, START));
    assert_eq!(world.story.of("id-a")[1..], [What::Received { count: 1 }]);
    // It is durable that it was.
    let world = world.restart();
    let queue = world.open("q", standard());
    assert_eq!(counts(&queue).await, (0, 1, 0));
    queue.delete(&[received.receipt]).await.remove(0).unwrap();
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

#[tokio::test]
async fn it_is_hidden_as_its_receiver_wants() {
    let world = World::new();
    let queue = world.open("q", standard());
    for (timeout_secs, own) in [(5, Some(Duration::from_secs(5))), (30, None)] {
        let waiting = wait_with(&queue, Receive { visibility_timeout: own, ..at_most(1) }).await;
        send(&queue, [message("a")]).await;
        assert_eq!(waiting.await.unwrap().len(), 1);
        world.advance(timeout_secs - 1).await;
        assert!(receive(&queue, 1).await.is_empty());
        world.advance(1).await;
        let again = receive(&queue, 1).await.remove(0);
        assert_eq!(again.receive_count, 2);
        queue.delete(&[again.receipt]).await.remove(0).unwrap();
    }
}

#[tokio::test]
async fn a_send_that_fails_leaves_the_receiver_in_its_place() {
    let world = World::new();
    let queue = world.open("q", standard());
    let first = wait(&queue).await;
    let second = wait(&queue).await;
    drop(prepare(&queue, "a").await);
    settle().await;
    assert!(!first.is_finished() && !second.is_finished());
    send(&queue, [message("b")]).await;
    assert_eq!(first.await.unwrap()[0].body, "b");
    assert!(!second.is_finished());
}

#[tokio::test]
async fn what_came_meanwhile_is_seen_by_who_waited_in_vain() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    let abandoned = prepare(&queue, "a").await;
    send(&queue, [message("b")]).await;
    assert!(!waiting.is_finished());
    drop(abandoned);
    assert_eq!(waiting.await.unwrap()[0].body, "b");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_store_says_what_is() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    prepare(&queue, "a").await.settle(Settled::Unknown);
    settle().await;
    assert!(!waiting.is_finished());
    let mut applied = prepare(&queue, "b").await;
    world.commit(&mut applied).await;
    applied.settle(Settled::Unknown);
    settle().await;
    assert!(!waiting.is_finished());
    assert_eq!(counts(&queue).await, (0, 1, 0));
    world.advance(30).await;
    assert_eq!(waiting.await.unwrap()[0].body, "b");
}

#[tokio::test]
async fn a_receiver_that_has_gone_keeps_it_from_nobody() {
    let world = World::new();
    let queue = world.open("q", standard());
    for is_told in [false, true] {
        let gone = wait(&queue).await;
        let other = wait(&queue).await;
        let mut prepared = prepare(&queue, "a").await;
        world.commit(&mut prepared).await;
        if is_told {
            prepared.committed();
            gone.abort();
        } else {
            gone.abort();
            settle().await;
            prepared.committed();
        }
        let received = other.await.unwrap().remove(0);
        assert_eq!((&*received.body, received.receive_count, world.clock.now()), ("a", 2, START));
        queue.delete(&[received.receipt]).await.remove(0).unwrap();
    }
}

#[tokio::test]
async fn a_receive_that_is_dropped_in_its_commit_keeps_nothing() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, ["a", "b"].map(message)).await;
    begin(&queue, at_most(10)).await;
    settle().await;
    let again = receive(&queue, 10).await;
    assert_eq!(again.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn an_attempt_that_is_dropped_in_its_commit_can_be_repeated() {
    let world = World::new();
    let queue = world.open("q.fifo", fifo());
    send(&queue, [grouped("a", "g")]).await;
    let attempt = || Receive { attempt_id: Some("1".to_owned()), ..at_most(1) };
    begin(&queue, attempt()).await;
    settle().await;
    assert!(receive(&queue, 1).await.is_empty());
    assert_eq!(queue.receive(attempt()).await.unwrap()[0].receive_count, 1);
}

#[tokio::test]
async fn a_poller_that_leaves_takes_what_is_on_its_way_to_it() {
    let world = World::new();
    let queue = world.open("q", standard());
    let (end, ended) = oneshot::channel::<()>();
    let polled = queue.clone();
    let poller = Tasks::new().spawn("poller", async move {
        let until = async {
            let _ended = ended.await;
            Hold::none()
        };
        let poll = Poll { max_messages: 10, visibility_timeout: None, one_group: false };
        polled.poll(poll, Hold::none(), until).await.unwrap().0
    });
    settle().await;
    let mut prepared = prepare(&queue, "a").await;
    end.send(()).unwrap();
    settle().await;
    assert!(!poller.is_finished());
    world.commit(&mut prepared).await;
    prepared.committed();
    assert_eq!(poller.await.unwrap()[0].body, "a");
}

#[tokio::test]
async fn several_are_received_together() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    send(&queue, ["a", "b", "c"].map(message)).await;
    assert_eq!(waiting.await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_received_is_not_given() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    let delay = Some(Duration::from_secs(5));
    send(&queue, [queue::NewMessage { delay, ..message("a") }]).await;
    settle().await;
    assert!(!waiting.is_finished());
    assert_eq!(counts(&queue).await, (0, 0, 1));
    world.advance(5).await;
    assert_eq!(waiting.await.unwrap()[0].body, "a");
}

#[tokio::test]
async fn what_is_given_is_too_old_in_its_time() {
    let world = World::new();
    let retention = Duration::from_secs(60);
    let queue =
        world.open("q", Settings { retention, visibility_timeout: Duration::from_secs(3_600), ..standard() });
    let waiting = wait(&queue).await;
    send(&queue, [message("a")]).await;
    assert_eq!(waiting.await.unwrap().len(), 1);
    world.advance(60).await;
    let ended = What::Ended { condition: "RetentionPeriodExpired".to_owned() };
    assert_eq!(world.story.of("id-a").last(), Some(&ended));
}

#[tokio::test]
async fn what_is_too_old_is_not_given() {
    let world = World::new();
    let retention = Duration::from_secs(20);
    let dead = world.open("dead", Settings { retention, ..standard() });
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 1), ..standard() });
    send(&queue, [message("a")]).await;
    assert_eq!(receive(&queue, 1).await.len(), 1);
    world.advance(30).await;
    let waiting = wait(&dead).await;
    // It moves on, and in standard queues its time goes on.
    assert!(receive(&queue, 1).await.is_empty());
    settle().await;
    assert!(!waiting.is_finished());
}

#[tokio::test]
async fn what_is_given_knows_the_queue_as_it_is_now() {
    let world = World::new();
    let queue = world.open("q", standard());
    let waiting = wait(&queue).await;
    queue.configure(Settings { arn: arn("q"), visibility_timeout: Duration::ZERO, ..standard() });
    send(&queue, [message("a")]).await;
    assert_eq!(waiting.await.unwrap().len(), 1);
    assert_eq!(bodies(&queue, 1).await, ["a"]);
}
