//! How many batches run at a time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use event_source::{Mapping, Polling, ProvisionedPollers, QueuePolling};

use crate::world::{Does, World, mapping, message, ok, secs, send, standard};

fn single(polling: QueuePolling) -> Mapping {
    Mapping { batch_size: 1, polling: Polling::Queue(polling), ..mapping("m") }
}

async fn backlog(world: &World, count: usize) {
    let queue = world.open("q", standard());
    for n in 0..count / 100 {
        send(&queue, (0..100).map(|m| message(&format!("{n}-{m}")))).await;
    }
}

/// Waits in execution time, which is what busy functions take.
async fn seconds(count: f64) {
    clock::execution_sleep(Duration::from_secs_f64(count)).await;
}

#[tokio::test(start_paused = true)]
async fn a_standard_queue_begins_with_five_and_gets_300_more_a_minute() {
    let world = World::new();
    backlog(&world, 1_000).await;
    let gate = world.outside.gate.write().await;
    world.create(single(QueuePolling::default())).await;
    world.quiet().await;
    assert_eq!(world.calls().len(), 5);
    seconds(1.05).await;
    assert_eq!(world.calls().len(), 10);
    seconds(59.0).await;
    assert!((304..=306).contains(&world.calls().len()), "{}", world.calls().len());
    drop(gate);
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.calls().len(), 1_000);
    // Idle again, it begins anew.
    let gate = world.outside.gate.write().await;
    world.outside.calls.lock().unwrap().clear();
    send(&world.queue("q"), (0..100).map(|n| message(&format!("again {n}")))).await;
    world.quiet().await;
    assert_eq!(world.calls().len(), 5);
    drop(gate);
}

#[tokio::test(start_paused = true)]
async fn never_more_than_1250() {
    let world = World::new();
    backlog(&world, 1_400).await;
    let gate = world.outside.gate.write().await;
    world.create(single(QueuePolling::default())).await;
    seconds(400.0).await;
    assert_eq!(world.calls().len(), 1_250);
    drop(gate);
}

#[tokio::test(start_paused = true)]
async fn maximum_concurrency_and_provisioned_pollers_are_kept() {
    let pollers = ProvisionedPollers { minimum: 2, maximum: 3 };
    for (polling, first, last) in [
        (QueuePolling { maximum_concurrency: Some(2), ..QueuePolling::default() }, 2, 2),
        (QueuePolling { maximum_concurrency: Some(9), ..QueuePolling::default() }, 5, 9),
        (QueuePolling { provisioned_pollers: Some(pollers), ..QueuePolling::default() }, 20, 30),
    ] {
        let world = World::new();
        backlog(&world, 200).await;
        let gate = world.outside.gate.write().await;
        world.create(single(polling)).await;
        world.quiet().await;
        assert_eq!(world.calls().len(), first);
        seconds(60.0).await;
        assert_eq!(world.calls().len(), last);
        drop(gate);
        world.until(async || world.is_empty("q").await).await;
        assert!(world.outside.most_running.load(Ordering::SeqCst) <= last);
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_gets_fewer_batches_until_it_succeeds() {
    let world = World::new();
    backlog(&world, 200).await;
    world.behave(|_| Does::Fails);
    world.create(single(QueuePolling::default())).await;
    world.until(async || world.calls().len() == 200).await;
    let gate = world.outside.gate.write().await;
    world.outside.calls.lock().unwrap().clear();
    world.behave(|_| ok());
    send(&world.queue("q"), (0..50).map(|n| message(&format!("fewer {n}")))).await;
    world.quiet().await;
    assert_eq!(world.calls().len(), 1);
    drop(gate);
    world.advance(secs(31)).await;
    world.until(async || world.is_empty("q").await).await;
    let gate = world.outside.gate.write().await;
    world.outside.calls.lock().unwrap().clear();
    send(&world.queue("q"), (0..50).map(|n| message(&format!("again {n}")))).await;
    world.quiet().await;
    assert_eq!(world.calls().len(), 5);
    drop(gate);
}
