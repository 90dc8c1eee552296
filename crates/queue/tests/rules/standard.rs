//! Sending, receiving, deleting, visibility, delays and retention.

use std::time::Duration;

use queue::{NewMessage, QueueError, Receipt, Receive, Settings};
use targets::{Agenda, AttributeValue, MessageAttribute, What};

use crate::harness::{
    START, World, arn, at_most, bodies, counts, fifo, grouped, message, receive, send, standard,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_message_comes_as_it_was_sent() {
    let world = World::new();
    let queue = world.open("q", standard());
    let attribute =
        MessageAttribute { data_type: "Binary".to_owned(), value: AttributeValue::Binary(vec![0, 10]) };
    let sent = NewMessage {
        attributes: [("a".to_owned(), attribute)].into(),
        sender_id: "AIDA".to_owned(),
        group_id: Some("tenant".to_owned()),
        trace_header: Some("Root=1".to_owned()),
        from: Some("request".to_owned()),
        ..message(&"é\n".repeat(200_000))
    };
    send(&queue, [sent.clone()]).await;
    world.advance(5).await;
    let got = receive(&queue, 10).await.remove(0);
    assert_eq!((&got.id, &got.body, &got.attributes), (&sent.id, &sent.body, &sent.attributes));
    assert_eq!(
        (&got.sender_id, &got.group_id, &got.trace_header),
        (&sent.sender_id, &sent.group_id, &sent.trace_header)
    );
    assert_eq!((got.sent, got.first_received, got.receive_count), (START, START + 5 * SECOND, 1));
    assert_eq!((got.sequence_number, got.deduplication_id, got.dead_letter_source), (None, None, None));
    queue.delete(std::slice::from_ref(&got.receipt)).await.remove(0).unwrap();
    assert_eq!(counts(&queue).await, (0, 0, 0));
    let [What::Accepted { from, size_bytes: 600_000, .. }, What::Received { count: 1 }, What::Deleted] =
        &world.story.of(&sent.id)[..]
    else {
        panic!("{:?}", world.story.of(&sent.id));
    };
    assert_eq!(*from, sent.from);
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_timeout_ends() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, [message("a"), message("b")]).await;
    assert_eq!(bodies(&queue, 1).await, ["a"]);
    assert_eq!(bodies(&queue, 10).await, ["b"]);
    assert_eq!(counts(&queue).await, (0, 2, 0));
    assert!(receive(&queue, 10).await.is_empty());
    world.advance(29).await;
    assert!(receive(&queue, 10).await.is_empty());
    world.advance(1).await;
    assert_eq!(counts(&queue).await, (2, 0, 0));
    let again = receive(&queue, 10).await;
    assert_eq!(again.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(again[0].first_received, START);
    tokio::task::yield_now().await;
    assert_eq!(world.story.of("id-a")[2..], [What::Returned, What::Received { count: 2 }]);
}

#[tokio::test]
async fn visibility_is_changed_from_now_and_for_twelve_hours_at_most() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, [message("a")]).await;
    let first = receive(&queue, 1).await.remove(0);
    let change = |receipt: &Receipt, secs: u64| {
        let (queue, receipt) = (queue.clone(), receipt.clone());
        async move { queue.change_visibility(&[(receipt, Duration::from_secs(secs))]).await.remove(0) }
    };
    world.advance(10).await;
    assert!(matches!(change(&first.receipt, 12 * 3600 - 9).await, Err(QueueError::VisibilityTooLong)));
    change(&first.receipt, 12 * 3600 - 10).await.unwrap();
    world.advance(12 * 3600 - 11).await;
    assert!(receive(&queue, 1).await.is_empty());
    change(&first.receipt, 0).await.unwrap();
    assert!(matches!(change(&first.receipt, 5).await, Err(QueueError::NotInFlight)));
    let second = receive(&queue, 1).await.remove(0);
    assert_eq!(second.receive_count, 2);
    // Not the one who has it now.
    assert!(matches!(change(&first.receipt, 5).await, Err(QueueError::NotInFlight)));
    let both = [(second.receipt.clone(), 5 * SECOND), (second.receipt.clone(), 7 * SECOND)];
    assert!(queue.change_visibility(&both).await.iter().all(Result::is_ok));
    world.advance(6).await;
    assert_eq!(counts(&queue).await, (0, 1, 0));
    world.advance(1).await;
    assert_eq!(counts(&queue).await, (1, 0, 0));
}

#[tokio::test]
async fn a_timeout_of_zero_hides_nothing() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, [message("a")]).await;
    for count in 1..4 {
        let request = Receive { visibility_timeout: Some(Duration::ZERO), ..at_most(1) };
        let got = queue.receive(request).await.unwrap().remove(0);
        assert_eq!(got.receive_count, count);
        assert_eq!(counts(&queue).await, (1, 0, 0));
    }
}

#[tokio::test]
async fn any_receipt_deletes_and_deleting_again_succeeds() {
    let world = World::new();
    let queue = world.open("q", standard());
    send(&queue, [message("a"), message("b"), message("c")]).await;
    let old = receive(&queue, 3).await;
    world.advance(30).await;
    let receipts: Vec<Receipt> = old.iter().map(|message| message.receipt.clone()).collect();
    // One is visible again, one was received by somebody else, one had its timeout changed first.
    assert_eq!(bodies(&queue, 1).await, ["a"]);
    for receipt in [&receipts[0], &receipts[1], &receipts[1], &receipts[2]] {
        queue.delete(std::slice::from_ref(receipt)).await.remove(0).unwrap();
    }
    assert_eq!(counts(&queue).await, (0, 0, 0));
    world.advance(30).await;
    assert!(receive(&queue, 10).await.is_empty());

    let other = world.open("other", standard());
    for receipt in [Receipt("what?".to_owned()), receipts[0].clone()] {
        let results = other.delete(&[receipt.clone(), receipt]).await;
        assert!(results.iter().all(|result| matches!(result, Err(QueueError::InvalidReceipt))));
    }
}

#[tokio::test]
async fn a_delay_hides_a_new_message() {
    let world = World::new();
    let queue = world.open("q", Settings { delay: 10 * SECOND, ..standard() });
    let at_once = NewMessage { delay: Some(Duration::ZERO), ..message("at once") };
    let later = NewMessage { delay: Some(900 * SECOND), ..message("later") };
    send(&queue, [message("a"), at_once, later]).await;
    assert_eq!(counts(&queue).await, (1, 0, 2));
    assert_eq!(bodies(&queue, 10).await, ["at once"]);
    let due: Vec<_> = world.queues.due(2).await.into_iter().map(|due| (due.what, due.id, due.at)).collect();
    let expected = [
        ("delay ends", "id-a", START + 10 * SECOND),
        ("visibility timeout ends", "id-at once", START + 30 * SECOND),
    ];
    assert_eq!(due, expected.map(|(what, id, at)| (what.to_owned(), id.to_owned(), at)));
    assert_eq!(world.queues.due(9).await[2].resource, arn("q"));
    world.advance(9).await;
    assert!(receive(&queue, 10).await.is_empty());
    world.advance(1).await;
    assert_eq!(bodies(&queue, 10).await, ["a"]);
    world.advance(890).await;
    assert_eq!(counts(&queue).await, (3, 0, 0));
}

#[tokio::test]
async fn what_is_older_than_the_retention_is_gone() {
    let world = World::new();
    let queue = world.open("q", Settings { retention: 60 * SECOND, ..standard() });
    let late = NewMessage { delay: Some(100 * SECOND), ..message("late") };
    send(&queue, [message("a"), message("b"), late]).await;
    let held = receive(&queue, 1).await.remove(0);
    world.advance(20).await;
    send(&queue, [message("c")]).await;
    world.advance(39).await;
    assert_eq!(counts(&queue).await, (3, 0, 1));
    world.advance(1).await;
    assert_eq!(queue.counters().await.unwrap().oldest, Some(START + 20 * SECOND));
    assert_eq!(counts(&queue).await, (1, 0, 0));
    queue.delete(&[held.receipt]).await.remove(0).unwrap();
    assert_eq!(bodies(&queue, 10).await, ["c"]);
    let expired = What::Ended { condition: "RetentionPeriodExpired".to_owned() };
    assert_eq!(world.story.of("id-b").last(), Some(&expired));
    world.advance(20).await;
    assert_eq!(counts(&queue).await, (0, 0, 0));
    world.advance(200).await;
    assert_eq!(counts(&queue).await, (0, 0, 0));

    // A longer retention keeps what is still there.
    send(&queue, [message("d")]).await;
    queue.configure(Settings { retention: 3600 * SECOND, arn: arn("q"), ..standard() });
    world.advance(3599).await;
    assert_eq!(counts(&queue).await, (1, 0, 0));
}

#[tokio::test]
async fn a_backlog_longer_than_what_is_kept_in_memory_comes_in_order() {
    let world = World::new();
    let queue = world.open("q", standard());
    let total = 10_000;
    for start in (0..total).step_by(10) {
        send(&queue, (start..start + 10).map(|n| message(&n.to_string()))).await;
    }
    let mut got = Vec::new();
    while got.len() < total {
        let messages = receive(&queue, 10).await;
        assert_eq!(messages.len(), 10);
        got.extend(messages.iter().map(|message| message.body.parse::<usize>().unwrap()));
        let receipts: Vec<_> = messages.into_iter().map(|message| message.receipt).collect();
        assert!(queue.delete(&receipts).await.iter().all(Result::is_ok));
    }
    assert!(got.is_sorted());
    assert_eq!(counts(&queue).await, (0, 0, 0));
}

#[tokio::test]
async fn a_backlog_that_is_too_old_stands_in_nobodys_way() {
    let world = World::new();
    for (name, kind) in [("standard", standard()), ("fifo", fifo())] {
        let queue = world.open(name, Settings { retention: 60 * SECOND, ..kind });
        for start in (0..6_000).step_by(10) {
            send(&queue, (start..start + 10).map(|n| grouped(&n.to_string(), "g"))).await;
        }
        world.advance(59).await;
        send(&queue, [grouped("young", "g")]).await;
        world.advance(1).await;
        assert_eq!(bodies(&queue, 10).await, ["young"]);
        assert_eq!(counts(&queue).await, (0, 1, 0));
    }
}

#[tokio::test]
async fn many_delayed_and_returned_messages_are_not_lost_behind_the_window() {
    let world = World::new();
    let queue = world.open("q", Settings { delay: 5 * SECOND, ..standard() });
    let total = 9_000;
    for start in (0..total).step_by(10) {
        send(&queue, (start..start + 10).map(|n| message(&n.to_string()))).await;
    }
    assert_eq!(counts(&queue).await, (0, 0, 9_000));
    world.advance(5).await;
    assert_eq!(counts(&queue).await, (9_000, 0, 0));
    for round in 1..3 {
        let mut got = std::collections::HashSet::new();
        loop {
            let messages = receive(&queue, 10).await;
            if messages.is_empty() {
                break;
            }
            got.extend(
                messages
                    .into_iter()
                    .filter(|message| message.receive_count == round)
                    .map(|message| message.body),
            );
        }
        assert_eq!(got.len(), total);
        assert_eq!(counts(&queue).await, (0, 9_000, 0));
        world.advance(30).await;
        assert_eq!(counts(&queue).await, (9_000, 0, 0));
    }
}
