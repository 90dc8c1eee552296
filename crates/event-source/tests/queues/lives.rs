//! Mappings outlive processes, and wait for what is not there.

use event_source::{Mapping, State};

use crate::world::{World, account, mapping, message, region, send, standard};

#[tokio::test(start_paused = true)]
async fn whatever_a_process_was_about_to_do_the_next_one_does() {
    for (is_enabled, expected) in [(true, Some(State::Enabled)), (false, Some(State::Disabled))] {
        let world = World::new();
        world.open("q", standard());
        world.create(Mapping { is_enabled: !is_enabled, ..mapping("m") }).await;
        // Its process ends as soon as the change is stored.
        let world = World::over(world.outside);
        let change = |mapping: &mut Mapping| mapping.is_enabled = is_enabled;
        world.update("m", change).await.unwrap();
        assert!(!world.state("m").await.is_final());
        let world = world.restart(false).await;
        world.until(async || Some(world.state("m").await) == expected).await;
    }
    let world = World::new();
    world.open("q", standard());
    world.create(mapping("m")).await;
    let world = World::over(world.outside);
    world.sources.delete(&account(), &region(), "m").await.unwrap();
    let world = world.restart(false).await;
    world.until(async || world.sources.get(&account(), &region(), "m").await.is_err()).await;

    let world = World::over(world.outside);
    world.sources.create(mapping("n")).await.unwrap();
    let world = world.restart(false).await;
    world.until(async || world.state("n").await == State::Enabled).await;
    send(&world.queue("q"), [message("a")]).await;
    world.until(async || world.is_empty("q").await).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_finishes_what_runs_and_takes_nothing_new() {
    let world = World::new();
    let queue = world.open("q", standard());
    world.create(mapping("m")).await;
    let gate = world.outside.gate.write().await;
    send(&queue, [message("a")]).await;
    world.until(async || world.calls().len() == 1).await;
    world.tasks.announce_shutdown();
    world.quiet().await;
    send(&queue, [message("b")]).await;
    world.quiet().await;
    drop(gate);
    let world = world.restart(true).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches(), [["a"], ["b"]]);
    assert_eq!(world.state("m").await, State::Enabled);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_not_there_is_looked_for_again() {
    let world = World::new();
    world.create(mapping("m")).await;
    world
        .until(async || world.result("m").await.is_some_and(|result| result.contains("NonExistentQueue")))
        .await;
    // It can be changed all the same.
    let change = |mapping: &mut Mapping| mapping.batch_size = 2;
    world.update("m", change).await.unwrap();
    world.until(async || world.state("m").await == State::Enabled).await;
    let queue = world.open("q", standard());
    send(&queue, ["a", "b", "c"].map(message)).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.handled(), ["a", "b", "c"]);
    world.until(async || world.result("m").await.as_deref() == Some("OK")).await;

    world.lose("q");
    world.queues.remove(queue.id()).await.unwrap();
    world
        .until(async || world.result("m").await.is_some_and(|result| result.contains("NonExistentQueue")))
        .await;
    assert_eq!(world.state("m").await, State::Enabled);
    let again = world.open("q", standard());
    send(&again, [message("d")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.handled(), ["a", "b", "c", "d"]);
    // The result outlives the process.
    world.until(async || world.result("m").await.as_deref() == Some("OK")).await;
    let world = world.restart(true).await;
    assert_eq!(world.result("m").await.as_deref(), Some("OK"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_disabled_while_it_begins_stays_disabled() {
    for is_there in [true, false] {
        let world = World::new();
        world.open("q", standard());
        world.create(mapping("m")).await;
        if !is_there {
            world.lose("q");
        }
        let outside = world.outside.clone();
        let gate = outside.find_gate.write().await;
        let world = world.restart(true).await;
        world.quiet().await;
        let change = |mapping: &mut Mapping| mapping.is_enabled = false;
        world.update("m", change).await.unwrap();
        drop(gate);
        world.until(async || world.state("m").await.is_final()).await;
        world.quiet().await;
        assert_eq!(world.state("m").await, State::Disabled);
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_wait_without_work() {
    let world = World::new();
    world.open("q", standard());
    for n in 0..1_000 {
        let function = crate::world::function(&format!("f{n}"));
        world.sources.create(Mapping { function, ..mapping(&format!("m{n}")) }).await.unwrap();
    }
    world.until(async || world.state("m999").await == State::Enabled).await;
    assert_eq!(world.outside.clock.next_due(), None);
    send(&world.queue("q"), [message("a")]).await;
    world.until(async || world.is_empty("q").await).await;
    assert_eq!(world.batches(), [["a"]]);
}
