//! Pollers in this process.

use clock::Hold;
use queue::{Message, Poll, Queue};
use targets::What;
use tasks::Tasks;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::harness::{World, bodies, counts, dead_letter, fifo, grouped, message, receive, send, standard};
use queue::Settings;

const TEN: Poll = Poll { max_messages: 10, visibility_timeout: None, one_group: false };

/// A poller, and what ends its wait.
fn poll(queue: &Queue) -> (JoinHandle<Vec<Message>>, oneshot::Sender<()>) {
    let (end, ended) = oneshot::channel();
    let queue = queue.clone();
    let until = async move {
        let _ended = ended.await;
        Hold::none()
    };
    let task =
        Tasks::new().spawn("poller", async move { queue.poll(TEN, Hold::none(), until).await.unwrap().0 });
    (task, end)
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_wait_that_is_ended_takes_nothing() {
    let world = World::new();
    let queue = world.open("q", standard());
    let ((ended, end), (waiting, _end)) = (poll(&queue), poll(&queue));
    settle().await;
    end.send(()).unwrap();
    assert_eq!(ended.await.unwrap(), []);
    send(&queue, [message("a")]).await;
    assert_eq!(waiting.await.unwrap()[0].body, "a");
}

#[tokio::test]
async fn a_batch_of_one_group_has_no_other() {
    let world = World::new();
    let queue = world.open("q", fifo());
    let groups = [("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")];
    send(&queue, groups.map(|(body, group)| grouped(body, group))).await;
    for expected in [["a1", "a2"], ["b1", "b2"]] {
        let (messages, _) =
            queue.poll(Poll { one_group: true, ..TEN }, Hold::none(), std::future::pending()).await.unwrap();
        assert_eq!(messages.iter().map(|message| &*message.body).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn what_is_given_up_is_moved_to_the_dead_letter_queue_or_deleted() {
    let world = World::new();
    let dead = world.open("dead", standard());
    let queue = world.open("q", Settings { dead_letter: dead_letter("dead", 100), ..standard() });
    send(&queue, ["a", "b"].map(message)).await;
    let received = receive(&queue, 10).await;
    queue.give_up(&[received[0].receipt.clone()], "RecursiveLoop").await.unwrap();
    assert_eq!(bodies(&dead, 10).await, ["a"]);
    assert_eq!(counts(&queue).await, (0, 1, 0));
    // A dead-letter queue that is not there takes nothing: nothing is lost.
    let arn = queue.settings().arn.clone();
    queue.configure(Settings { arn: arn.clone(), dead_letter: dead_letter("gone", 100), ..standard() });
    queue.give_up(&[received[1].receipt.clone()], "RecursiveLoop").await.unwrap();
    world.advance(30).await;
    let received = receive(&queue, 10).await;
    assert_eq!((received.len(), received[0].receive_count), (1, 3));
    queue.configure(Settings { arn, ..standard() });
    queue.give_up(&[received[0].receipt.clone()], "RecursiveLoop").await.unwrap();
    assert_eq!(counts(&queue).await, (0, 0, 0));
    assert_eq!(world.story.of("id-b").last(), Some(&What::Ended { condition: "RecursiveLoop".to_owned() }));
    // It is not theirs any more.
    queue.give_up(&[received[0].receipt.clone()], "RecursiveLoop").await.unwrap();
    assert_eq!(counts(&dead).await, (1, 0, 0));
}
