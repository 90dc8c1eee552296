//! Dead-letter queues, and the way back.

use std::sync::Arc;
use std::time::Duration;

use queue::{MoveTo, Moved, NewMessage, QueueId, Settings};
use store::{Applied, CommitError};
use targets::What;

use crate::harness::{
    START, World, arn, bodies, counts, dead_letter, fifo, grouped, message, receive, send, standard,
};

#[tokio::test]
async fn a_message_that_was_received_too_often_moves() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 2), ..standard() });
    send(&queue, [message("a"), message("b")]).await;
    let attributes = receive(&queue, 1).await.remove(0).attributes;
    world.advance(30).await;
    assert_eq!(receive(&queue, 10).await.len(), 2);
    world.advance(30).await;
    // One goes, the other is received for the last time.
    let left = receive(&queue, 10).await;
    assert_eq!(left.iter().map(|message| &message.body[..]).collect::<Vec<_>>(), ["b"]);
    assert_eq!((counts(&queue).await, counts(&dead).await), ((0, 1, 0), (1, 0, 0)));
    let moved = receive(&dead, 10).await.remove(0);
    assert_eq!((&moved.id[..], &moved.body[..], moved.sent), ("id-a", "a", START));
    assert_eq!((moved.receive_count, moved.attributes), (3, attributes));
    assert_eq!(moved.dead_letter_source, Some(arn("q")));
    let story = world.story.of("id-a");
    assert!(story.contains(&What::Sent {
        to: arn("dead"),
        role: "dead-letter queue".to_owned(),
        id: "id-a".to_owned()
    }));
    world.advance(30).await;
    assert!(receive(&queue, 10).await.is_empty());
    assert_eq!((counts(&queue).await, counts(&dead).await), ((0, 0, 0), (2, 0, 0)));
    // Retention counts on.
    dead.configure(Settings { retention: Duration::from_secs(91), arn: arn("dead"), ..standard() });
    world.advance(1).await;
    assert_eq!(counts(&dead).await, (0, 0, 0));
}

#[tokio::test]
async fn a_redrive_is_one_commit() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 1), ..standard() });
    send(&queue, [message("a")]).await;
    receive(&queue, 1).await;
    for (error, applied, expected) in [
        (CommitError::Unavailable(String::new()), Applied::No, ((1, 0, 0), (0, 0, 0))),
        (CommitError::Unknown(String::new()), Applied::No, ((1, 0, 0), (0, 0, 0))),
        (CommitError::Unknown(String::new()), Applied::Yes, ((0, 0, 0), (1, 0, 0))),
    ] {
        world.advance(30).await;
        counts(&dead).await;
        world.store.fail_next_commit(error, applied);
        assert!(queue.receive(crate::harness::at_most(1)).await.is_err());
        assert_eq!((counts(&queue).await, counts(&dead).await), expected);
    }
    assert_eq!(bodies(&dead, 1).await, ["a"]);
}

#[tokio::test]
async fn without_its_dead_letter_queue_a_message_stays() {
    let world = World::new();
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 1), ..standard() });
    send(&queue, [message("a")]).await;
    for count in 1..4 {
        assert_eq!(receive(&queue, 1).await[0].receive_count, count);
        world.advance(30).await;
    }
}

#[tokio::test]
async fn large_messages_move_in_several_commits() {
    let world = World::new();
    for (name, settings) in [("standard", standard()), ("fifo", fifo())] {
        let dead = world.open(&format!("{name}-dead"), settings.clone());
        let policy = dead_letter(&format!("{name}-dead"), 1);
        let queue = world.open(name, Settings { dead_letter: policy, ..settings });
        let large = |n: usize| format!("{n}{}", "x".repeat(1_000_000));
        for n in 0..9 {
            send(&queue, [NewMessage { body: large(n), ..grouped(&n.to_string(), "a") }]).await;
        }
        assert_eq!(receive(&queue, 10).await.len(), 9);
        world.advance(30).await;
        assert!(receive(&queue, 10).await.is_empty());
        assert_eq!((counts(&queue).await, counts(&dead).await), ((0, 0, 0), (9, 0, 0)));
        let moved = receive(&dead, 10).await;
        assert!((0..9).map(large).eq(moved.into_iter().map(|message| message.body)));
    }
}

#[tokio::test]
async fn fifo_to_fifo_keeps_groups_and_order() {
    let world = World::new();
    let dead = world.open("dead", fifo());
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 1), ..fifo() });
    send(&queue, ["a1", "a2"].map(|body| grouped(body, "a"))).await;
    // Within the same five minutes, and no duplicate for that.
    send(&dead, [grouped("a2", "z")]).await;
    receive(&queue, 10).await;
    world.advance(30).await;
    send(&queue, [grouped("a3", "a")]).await;
    assert_eq!(bodies(&queue, 10).await, ["a3"]);
    let moved = receive(&dead, 10).await;
    let seen: Vec<_> =
        moved.iter().map(|message| (&message.body[..], message.group_id.as_deref().unwrap())).collect();
    assert_eq!(seen, [("a2", "z"), ("a1", "a"), ("a2", "a")]);
    // In FIFO queues the time starts anew.
    assert_eq!(moved[1].sent, START + Duration::from_secs(30));
    assert_eq!(moved[1].deduplication_id.as_deref(), Some("dedup-a1"));
}

#[tokio::test]
async fn messages_move_back_as_new_ones() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 1), ..standard() });
    send(&queue, [message("a"), message("b")]).await;
    receive(&queue, 10).await;
    world.advance(30).await;
    assert!(receive(&queue, 10).await.is_empty());
    send(&dead, [message("not from a queue")]).await;
    let queues = world.queues.clone();
    let find =
        move |source: &str| (source == arn("q")).then(|| queues.get(&QueueId("q".to_owned()))).flatten();
    let sources = MoveTo::Sources(Arc::new(find));
    assert_eq!(dead.move_messages(&sources, 1).await.unwrap(), Moved { moved: 1, unresolved: 0 });
    assert_eq!(dead.move_messages(&sources, 10).await.unwrap(), Moved { moved: 1, unresolved: 1 });
    assert_eq!((counts(&queue).await, counts(&dead).await), ((2, 0, 0), (1, 0, 0)));
    let back = receive(&queue, 10).await;
    assert_eq!(back.iter().map(|message| &message.body[..]).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((back[0].receive_count, back[0].sent), (1, START + Duration::from_secs(30)));
    assert_eq!(back[0].dead_letter_source, None);
    assert_ne!(back[0].id, "id-a");
    let other = world.open("other", standard());
    let to = MoveTo::Queue(other.clone());
    assert_eq!(dead.move_messages(&to, 10).await.unwrap(), Moved { moved: 1, unresolved: 0 });
    assert_eq!(dead.move_messages(&to, 10).await.unwrap(), Moved::default());
    assert_eq!(bodies(&other, 10).await, ["not from a queue"]);
}
