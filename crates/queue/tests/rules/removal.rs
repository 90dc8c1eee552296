//! Purging and removing.

use queue::{QueueError, QueueId, Settings};
use store::{Applied, CommitError, Store};

use crate::harness::{World, at_most, bodies, counts, fifo, grouped, message, receive, send, standard};
use tasks::Tasks;

#[tokio::test]
async fn a_purge_leaves_nothing_of_before() {
    let world = World::new();
    for (name, settings) in [("standard", standard()), ("fifo", fifo())] {
        let queue = world.open(name, settings.clone());
        for n in 0..30 {
            send(&queue, (0..10).map(|m| grouped(&format!("{n}-{m}"), &n.to_string()))).await;
        }
        let held = receive(&queue, 10).await.remove(0);
        assert!(receive(&queue, 10).await.len() > 1);
        let (mut slow, _) = queue.prepare_send(grouped("slow", "s")).await.unwrap();
        world.store.fail_next_commit(CommitError::Unavailable(String::new()), Applied::No);
        queue.purge().await.unwrap_err();
        assert_eq!(counts(&queue).await.0, 300 - counts(&queue).await.1);
        let purging = {
            let queue = queue.clone();
            Tasks::new().spawn("client", async move { queue.purge().await })
        };
        world.store.commit(std::mem::take(&mut slow.part)).await.unwrap();
        slow.committed();
        purging.await.unwrap().unwrap();
        queue.delete(&[held.receipt]).await.remove(0).unwrap();
        let after = counts(&queue).await;
        assert_eq!((after.1, after.2), (0, 0));
        send(&queue, [grouped("new", "0")]).await;
        let got = bodies(&queue, 10).await;
        assert!(got.contains(&"new".to_owned()), "{got:?}");
        assert_eq!(u64::try_from(got.len()).unwrap(), after.0 + 1);
        world.advance(30).await;
        assert_eq!(receive(&queue, 10).await.len(), got.len());
    }
}

#[tokio::test]
async fn an_interrupted_purge_goes_on_after_a_restart() {
    let world = World::new();
    let queue = world.open("q", standard());
    for n in 0..100 {
        send(&queue, (0..10).map(|m| message(&format!("{n}-{m}")))).await;
    }
    // The mark is written, nothing else.
    {
        let purging = queue.purge();
        tokio::pin!(purging);
        assert!(poll_once(purging.as_mut()).await.is_none());
        tokio::task::yield_now().await;
    }
    let world = world.restart();
    let queue = world.open("q", standard());
    assert!(receive(&queue, 10).await.is_empty());
    send(&queue, [message("new")]).await;
    assert_eq!(bodies(&queue, 10).await, ["new"]);
    while counts(&queue).await != (0, 1, 0) {
        tokio::task::yield_now().await;
    }
}

async fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut future = Some(future);
    std::future::poll_fn(move |context| {
        let polled = future.take().map(|future| future.poll(context));
        std::task::Poll::Ready(match polled {
            Some(std::task::Poll::Ready(output)) => Some(output),
            _ => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_removed_queue_answers_so_and_leaves_no_row() {
    let world = World::new();
    let queue = world.open("q", Settings { delay: std::time::Duration::from_secs(1), ..standard() });
    for n in 0..20 {
        send(&queue, (0..10).map(|m| message(&format!("{n}-{m}")))).await;
    }
    world.advance(1).await;
    receive(&queue, 10).await;
    let waiting = {
        let queue = world.open("empty", standard());
        Tasks::new().spawn("client", async move {
            let request = queue::Receive { wait: std::time::Duration::from_secs(20), ..at_most(1) };
            queue.receive(request).await
        })
    };
    tokio::task::yield_now().await;
    for name in ["q", "empty"] {
        world.queues.remove(&QueueId(name.to_owned())).await.unwrap();
    }
    assert!(matches!(waiting.await.unwrap(), Err(QueueError::Removed)));
    assert!(matches!(queue.receive(at_most(1)).await, Err(QueueError::Removed)));
    assert!(matches!(queue.send(vec![message("x")]).await[0], Err(QueueError::Removed)));
    assert!(matches!(queue.counters().await, Err(QueueError::Removed)));
    assert!(matches!(queue.purge().await, Err(QueueError::Removed)));
    assert!(world.queues.get(&QueueId("q".to_owned())).is_none());
    while rows(&world).await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_interrupted_removal_goes_on_after_a_restart() {
    let world = World::new();
    let (queue, kept) = (world.open("q", standard()), world.open("kept", standard()));
    send(&queue, [message("a")]).await;
    send(&kept, [message("b")]).await;
    let before = rows(&world).await;
    let mut removal = world.queues.prepare_remove(&QueueId("q".to_owned()));
    world.store.commit(std::mem::take(&mut removal.part)).await.unwrap();
    // The server is killed before it does more.
    drop(removal);
    let world = world.restart();
    while rows(&world).await > before / 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bodies(&world.open("kept", standard()), 10).await, ["b"]);
}

async fn rows(world: &World) -> usize {
    world.store.snapshot().await.unwrap().range(&[], &[0xff], usize::MAX, false).await.unwrap().len()
}
