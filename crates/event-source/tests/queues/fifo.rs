//! Order by group, and groups side by side.

use event_source::{Mapping, Polling, QueuePolling};
use queue::NewMessage;

use crate::world::{Does, World, fifo, fifo_mapping, grouped, mapping, ok, secs, send};

fn of_group(world: &World, group: &str) -> Vec<String> {
    world.batches().concat().into_iter().filter(|body| body.starts_with(group)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_of_one_group_and_in_order() {
    let world = World::new();
    let queue = world.open("q", fifo());
    for n in 0..25 {
        let groups = ["a", "b", "c"];
        send(&queue, groups.map(|group| grouped(&format!("{group}{n:02}"), group))).await;
    }
    world.create(fifo_mapping("m")).await;
    world.until(async || world.is_empty("q").await).await;
    for batch in world.batches() {
        assert!(batch.len() <= 10 && batch.iter().all(|body| body[..1] == batch[0][..1]), "{batch:?}");
    }
    for group in ["a", "b", "c"] {
        let expected: Vec<String> = (0..25).map(|n| format!("{group}{n:02}")).collect();
        assert_eq!(of_group(&world, group), expected);
    }
    let record = &world.calls()[0].event["Records"][0]["attributes"];
    assert_eq!(
        (&record["MessageGroupId"], &record["MessageDeduplicationId"]),
        (&"a".into(), &"dedup-a00".into())
    );
    assert_eq!(record["SequenceNumber"].as_str().unwrap().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_slow_group_holds_up_no_other_and_has_one_batch_in_flight() {
    let world = World::new();
    let queue = world.open("q", fifo());
    world.create(Mapping { batch_size: 1, ..fifo_mapping("m") }).await;
    *world.outside.slow.write().await = "slow".to_owned();
    let gate = world.outside.slow_gate.write().await;
    send(&queue, (0..5).map(|n| grouped(&format!("slow{n}"), "slow"))).await;
    for n in 0..20 {
        send(&queue, (0..20).map(|group| grouped(&format!("{group:02}-{n:02}"), &group.to_string()))).await;
    }
    world.until(async || world.counts("q").await == (4, 1)).await;
    assert_eq!(of_group(&world, "slow"), ["slow0"]);
    for group in 0..20 {
        let name = format!("{group:02}-");
        let expected: Vec<String> = (0..20).map(|n| format!("{name}{n:02}")).collect();
        assert_eq!(of_group(&world, &name), expected);
    }
    drop(gate);
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(of_group(&world, "slow"), ["slow0", "slow1", "slow2", "slow3", "slow4"]);
}

#[tokio::test(start_paused = true)]
async fn as_many_batches_run_as_there_are_groups() {
    for (maximum_concurrency, expected) in [(None, 100), (Some(7), 7)] {
        let world = World::new();
        let queue = world.open("q", fifo());
        let polling =
            Polling::Queue(QueuePolling { fifo: true, maximum_concurrency, ..QueuePolling::default() });
        world.create(Mapping { polling, ..mapping("m") }).await;
        let gate = world.outside.gate.write().await;
        send(&queue, (0..100).map(|group| grouped(&format!("{group}"), &group.to_string()))).await;
        world.until(async || world.calls().len() == expected).await;
        world.quiet().await;
        assert_eq!(world.calls().len(), expected);
        drop(gate);
        world.until(async || world.is_empty("q").await).await;
        assert_eq!(world.calls().len(), 100);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_group_waits_alone_and_keeps_its_order() {
    let world = World::new();
    let queue = world.open("q", fifo());
    world.create(Mapping { batch_size: 2, ..fifo_mapping("m") }).await;
    world.behave(|call| if call.has("a0") && call.at < secs(60) { Does::Fails } else { ok() });
    send(&queue, (0..4).flat_map(|n| ["a", "b"].map(|group| grouped(&format!("{group}{n}"), group)))).await;
    world.advance(secs(20)).await;
    assert_eq!(of_group(&world, "b"), ["b0", "b1", "b2", "b3"]);
    assert_eq!(of_group(&world, "a"), ["a0", "a1"]);
    world.advance(secs(100)).await;
    assert!(world.is_empty("q").await);
    assert_eq!(of_group(&world, "a"), ["a0", "a1", "a0", "a1", "a0", "a1", "a2", "a3"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_group_keeps_its_order() {
    let world = World::new();
    let queue = world.open("q", fifo());
    world.create(Mapping { batch_size: 1, ..fifo_mapping("m") }).await;
    world.behave(|call| if call.has("a0") && call.at < secs(10) { Does::IsThrottled } else { ok() });
    send(&queue, (0..3).flat_map(|n| ["a", "b"].map(|group| grouped(&format!("{group}{n}"), group)))).await;
    world.advance(secs(1)).await;
    assert_eq!(of_group(&world, "b"), ["b0", "b1", "b2"]);
    world.advance(secs(30)).await;
    assert!(world.is_empty("q").await);
    let mut order = of_group(&world, "a");
    order.dedup();
    assert_eq!(order, ["a0", "a1", "a2"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_event_has_no_room_for_keeps_its_place_behind_a_failure() {
    let world = World::new();
    let queue = world.open("q", fifo());
    for n in 0..9 {
        let body = format!("{n}{}", "x".repeat(1_000_000));
        send(&queue, [NewMessage { body, ..grouped(&n.to_string(), "a") }]).await;
    }
    world.behave(|call| if call.at < secs(30) { Does::Fails } else { ok() });
    world.create(fifo_mapping("m")).await;
    world.advance(secs(100)).await;
    world.until(async || world.is_empty("q").await).await;
    let numbers = |batch: Vec<String>| batch.iter().map(|body| body[..1].to_owned()).collect::<String>();
    let batches: Vec<String> = world.batches().into_iter().map(numbers).collect();
    assert_eq!(batches, ["012345", "012345", "678"]);
}
