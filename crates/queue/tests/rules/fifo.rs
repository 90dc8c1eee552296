//! Order, groups, deduplication, repeated attempts.

use std::time::Duration;

use queue::{DeduplicationScope, Fifo, Message, NewMessage, Queue, QueueError, Receive, Sent, Settings};
use store::{CommitError, Store};

use crate::harness::{START, World, at_most, bodies, counts, fifo, grouped, message, receive, send};
use tasks::Tasks;

const SECOND: Duration = Duration::from_secs(1);

async fn send_one(queue: &Queue, message: NewMessage) -> Result<Sent, QueueError> {
    queue.send(vec![message]).await.remove(0)
}

async fn delete(queue: &Queue, message: &Message) -> Result<(), QueueError> {
    queue.delete(std::slice::from_ref(&message.receipt)).await.remove(0)
}

fn with(change: impl FnOnce(&mut Fifo)) -> Settings {
    let mut settings = fifo();
    change(settings.fifo.as_mut().unwrap());
    settings
}

#[tokio::test]
async fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, ["a1", "a2", "a3"].map(|body| grouped(body, "a"))).await;
    send(&queue, ["b1", "b2"].map(|body| grouped(body, "b"))).await;
    let first = receive(&queue, 2).await;
    assert_eq!(first.iter().map(|message| &message.body[..]).collect::<Vec<_>>(), ["a1", "a2"]);
    assert!(first[0].sequence_number < first[1].sequence_number);
    assert_eq!(first[0].deduplication_id.as_deref(), Some("dedup-a1"));
    assert_eq!(bodies(&queue, 10).await, ["b1", "b2"]);
    delete(&queue, &first[0]).await.unwrap();
    assert!(receive(&queue, 10).await.is_empty());
    delete(&queue, &first[1]).await.unwrap();
    assert_eq!(bodies(&queue, 10).await, ["a3"]);
}

#[tokio::test]
async fn a_message_that_comes_back_comes_before_its_successors() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, ["a1", "a2", "a3"].map(|body| grouped(body, "a"))).await;
    let first = receive(&queue, 2).await;
    let change = [(first[0].receipt.clone(), Duration::ZERO)];
    queue.change_visibility(&change).await.remove(0).unwrap();
    // The other one is still out.
    assert!(receive(&queue, 10).await.is_empty());
    assert!(matches!(delete(&queue, &first[0]).await, Err(QueueError::ReceiptExpired)));
    world.advance(30).await;
    assert!(matches!(delete(&queue, &first[1]).await, Err(QueueError::ReceiptExpired)));
    assert!(matches!(
        queue.change_visibility(&[(first[1].receipt.clone(), SECOND)]).await[0],
        Err(QueueError::ReceiptExpired)
    ));
    let again = receive(&queue, 10).await;
    assert_eq!(again.iter().map(|message| &message.body[..]).collect::<Vec<_>>(), ["a1", "a2", "a3"]);
    delete(&queue, &again[0]).await.unwrap();
    // Gone is gone, whatever the receipt.
    delete(&queue, &first[0]).await.unwrap();
}

#[tokio::test]
async fn a_later_message_waits_for_an_earlier_one_that_is_being_sent() {
    let world = World::new();
    let queue = world.open("q", fifo());
    let (mut slow, _) = queue.prepare_send(grouped("a1", "a")).await.unwrap();
    let (dropped, _) = queue.prepare_send(grouped("b1", "b")).await.unwrap();
    send(&queue, [grouped("a2", "a"), grouped("b2", "b")]).await;
    assert!(receive(&queue, 10).await.is_empty());
    drop(dropped);
    assert_eq!(bodies(&queue, 10).await, ["b2"]);
    world.store.commit(std::mem::take(&mut slow.part)).await.unwrap();
    slow.committed();
    assert_eq!(bodies(&queue, 10).await, ["a1", "a2"]);
}

#[tokio::test]
async fn a_duplicate_is_accepted_and_not_delivered_for_five_minutes() {
    let world = World::new();
    let queue = world.open("q", fifo());
    let copy = |body: &str, id: &str| NewMessage { id: id.to_owned(), ..grouped(body, "a") };
    let first = send_one(&queue, copy("x", "1")).await.unwrap();
    assert_eq!(send_one(&queue, copy("x", "2")).await.unwrap(), first);
    let got = receive(&queue, 10).await;
    assert_eq!(got.len(), 1);
    delete(&queue, &got[0]).await.unwrap();
    world.advance(299).await;
    let (prepared, again) = queue.prepare_send(copy("x", "3")).await.unwrap();
    assert!(prepared.part.mutations.is_empty());
    assert_eq!((&prepared.id, &again), (&first.id, &first));
    drop(prepared);
    assert_eq!(counts(&queue).await, (0, 0, 0));
    world.advance(1).await;
    assert_eq!(send_one(&queue, copy("x", "4")).await.unwrap().id, "4");
    // Twice in one batch, among others.
    let batch = vec![copy("y", "5"), copy("z", "6"), copy("y", "7")];
    let ids: Vec<_> = queue.send(batch).await.into_iter().map(|sent| sent.unwrap().id).collect();
    assert_eq!(ids, ["5", "6", "5"]);
    assert_eq!(bodies(&queue, 10).await, ["x", "y", "z"]);
}

#[tokio::test]
async fn a_concurrent_duplicate_waits_for_the_first() {
    let world = World::new();
    let queue = world.open("q", fifo());
    let copy = |id: &str| NewMessage { id: id.to_owned(), ..grouped("x", "a") };
    for is_committed in [false, true] {
        let (mut first, _) = queue.prepare_send(copy("1")).await.unwrap();
        let other = queue.clone();
        let second =
            Tasks::new().spawn("client", async move { send_one(&other, copy("2")).await.unwrap().id });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        if is_committed {
            world.advance(300).await;
            let (mut first, _) = (first, ());
            world.store.commit(std::mem::take(&mut first.part)).await.unwrap();
            first.committed();
            // It was sent five minutes ago; the second one counts from now.
            assert_eq!(second.await.unwrap(), "2");
        } else {
            drop(std::mem::take(&mut first.part));
            drop(first);
            assert_eq!(second.await.unwrap(), "2");
            world.advance(300).await;
        }
    }
}

#[tokio::test]
async fn the_scope_and_the_content_decide_what_a_duplicate_is() {
    let world = World::new();
    let per_group = with(|fifo| fifo.deduplication_scope = DeduplicationScope::MessageGroup);
    let queue = world.open("group", per_group);
    send(&queue, [grouped("x", "a"), grouped("x", "b")]).await;
    assert_eq!(counts(&queue).await, (2, 0, 0));

    let queue = world.open("content", with(|fifo| fifo.content_based_deduplication = true));
    let plain = |body| NewMessage { group_id: Some("a".to_owned()), ..message(body) };
    send(&queue, [plain("x"), plain("x"), plain("y")]).await;
    let got = receive(&queue, 10).await;
    assert_eq!(got.len(), 2);
    assert_eq!(
        got[0].deduplication_id.as_deref(),
        Some("2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
    );

    let queue = world.open("explicit", fifo());
    assert!(matches!(send_one(&queue, plain("x")).await, Err(QueueError::DeduplicationRequired)));
    assert!(matches!(send_one(&queue, message("x")).await, Err(QueueError::GroupRequired)));
}

#[tokio::test]
async fn a_failed_send_is_no_first_one() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, [grouped("before", "a")]).await;
    world.store.fail_next_commit(CommitError::Unavailable("disk".to_owned()), store::Applied::No);
    assert!(send_one(&queue, grouped("x", "a")).await.is_err());
    send(&queue, [grouped("x", "a")]).await;
    assert_eq!(bodies(&queue, 10).await, ["before", "x"]);
    // One whose outcome is unknown may be there.
    world.store.fail_next_commit(CommitError::Unknown("disk".to_owned()), store::Applied::Yes);
    assert!(send_one(&queue, grouped("y", "b")).await.is_err());
    send(&queue, [grouped("y", "b")]).await;
    assert_eq!(counts(&queue).await, (1, 2, 0));
    assert_eq!(bodies(&queue, 10).await, ["y"]);
}

#[tokio::test]
async fn a_repeated_attempt_gets_the_same() {
    let world = World::new();
    let queue = world.open("q", fifo());
    send(&queue, ["a1", "a2", "a3"].map(|body| grouped(body, "a"))).await;
    let attempt = |id: &str| Receive { attempt_id: Some(id.to_owned()), ..at_most(2) };
    let first = queue.receive(attempt("1")).await.unwrap();
    world.advance(20).await;
    assert_eq!(queue.receive(attempt("1")).await.unwrap(), first);
    assert!(queue.receive(attempt("2")).await.unwrap().is_empty());
    // Its visibility timeout began anew.
    world.advance(20).await;
    assert_eq!(counts(&queue).await, (1, 2, 0));
    assert_eq!(queue.receive(attempt("1")).await.unwrap(), first);
    delete(&queue, &first[1]).await.unwrap();
    // Something changed: it is an attempt like any other.
    assert!(queue.receive(attempt("1")).await.unwrap().is_empty());
    world.advance(30).await;
    let later = queue.receive(attempt("1")).await.unwrap();
    assert_eq!(later.iter().map(|message| &message.body[..]).collect::<Vec<_>>(), ["a1", "a3"]);
    assert_ne!(later[0].receipt, first[0].receipt);
}

#[tokio::test]
async fn a_repeated_attempt_does_not_bring_back_what_is_too_old() {
    let world = World::new();
    let queue = world.open("q", Settings { retention: 60 * SECOND, ..fifo() });
    send(&queue, [grouped("a", "a")]).await;
    world.advance(40).await;
    let attempt = || Receive { attempt_id: Some("1".to_owned()), ..at_most(1) };
    assert_eq!(queue.receive(attempt()).await.unwrap().len(), 1);
    world.advance(20).await;
    assert!(queue.receive(attempt()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_delay_of_a_fifo_queue_holds_for_what_is_in_it() {
    let world = World::new();
    let delayed =
        |secs: u64| Settings { delay: Duration::from_secs(secs), arn: crate::harness::arn("q"), ..fifo() };
    let queue = world.open("q", delayed(10));
    send(&queue, [grouped("a1", "a"), grouped("b1", "b")]).await;
    world.advance(4).await;
    send(&queue, [grouped("a2", "a")]).await;
    assert_eq!(counts(&queue).await, (0, 0, 3));
    assert!(receive(&queue, 10).await.is_empty());
    queue.configure(delayed(4));
    assert_eq!(counts(&queue).await, (2, 0, 1));
    assert_eq!(bodies(&queue, 1).await, ["a1"]);
    queue.configure(delayed(900));
    assert!(receive(&queue, 10).await.is_empty());
    world.advance(30).await;
    queue.configure(delayed(20));
    // Who was received once is delayed no more.
    assert_eq!(bodies(&queue, 10).await, ["a1", "a2", "b1"]);
    assert_eq!(queue.counters().await.unwrap().oldest, Some(START));
}

#[tokio::test]
async fn other_groups_are_found_behind_a_long_locked_one() {
    let world = World::new();
    let queue = world.open("q", fifo());
    for start in (0..5_000).step_by(10) {
        send(&queue, (start..start + 10).map(|n| grouped(&n.to_string(), "long"))).await;
    }
    send(&queue, [grouped("other", "b")]).await;
    assert_eq!(bodies(&queue, 10).await, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(bodies(&queue, 10).await, ["other"]);
    let world = world.restart();
    let queue = world.open("q", fifo());
    assert!(receive(&queue, 10).await.is_empty());
    world.advance(30).await;
    assert_eq!(bodies(&queue, 3).await, ["0", "1", "2"]);
    assert_eq!(bodies(&queue, 10).await, ["other"]);
}
