//! More events than fit into memory, and functions that stand in each other's way.

use tokio::sync::Semaphore;

use super::*;

/// More than wait in memory.
const MANY: usize = 2_000;

async fn accept_many(world: &World, name: &str) {
    for number in 0..MANY {
        world.accept(name, &format!("\"{name} {number}\"")).await;
    }
}

fn assert_each_ran_once(world: &World, name: &str) {
    for number in 0..MANY {
        assert_eq!(world.fakes.attempts_of(&format!("\"{name} {number}\"")), [0]);
    }
}

#[tokio::test]
async fn events_beyond_what_fits_into_memory_run_once_each() {
    let world = World::new();
    let gate = world.fakes.gate.write().await;
    accept_many(&world, "f").await;
    accept_many(&world, "g").await;
    assert_eq!(rows(&*world.store, "event").await.len(), 2 * MANY);
    let backlog = world.process.delivery.backlog();
    assert_eq!(backlog.iter().map(|of| of.waiting + of.running).collect::<Vec<_>>(), [MANY as u64; 2]);
    drop(gate);
    world.advance(0).await;
    assert_each_ran_once(&world, "f");
    assert_each_ran_once(&world, "g");
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_backlog_survives_a_restart_and_is_counted_anew() {
    let mut world = World::new();
    world.fakes.behave(fails);
    accept_many(&world, "f").await;
    world.advance(1).await;
    world.restart().await;
    world.advance(0).await;
    // What is left is counted beside other work.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let backlog = world.process.delivery.backlog();
    assert_eq!((backlog.len(), backlog[0].waiting, backlog[0].running), (1, MANY as u64, 0));
    let due = world.process.delivery.due(100).await;
    assert!(due.len() == 100 && due.iter().all(|due| due.at == START + Duration::from_secs(60)));
    world.advance(300).await;
    for number in 0..MANY {
        assert_eq!(world.fakes.attempts_of(&format!("\"f {number}\"")), [0, 60, 180]);
    }
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_function_at_its_concurrency_is_not_hammered_and_never_idle() {
    let world = World::new();
    *world.fakes.places.lock().unwrap() = Arc::new(Semaphore::new(5));
    let gate = world.fakes.gate.write().await;
    accept_many(&world, "f").await;
    drop(gate);
    world.advance(0).await;
    let turned_away = world.fakes.turned_away.load(Ordering::Relaxed);
    assert!(turned_away < MANY / 10, "{turned_away}");
    assert!(world.fakes.story().iter().all(|step| !step.contains("waits")));
    world.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_function_whose_events_never_end_leaves_room_for_others() {
    let world = World::new();
    world.fakes.behave(|event| (event.function.name == "g").then(|| ran(None)));
    accept_many(&world, "f").await;
    for number in 0..10 {
        world.process.accept(&world.fakes, &world.ids, function("g"), &format!("{number}")).await.unwrap();
    }
    while world.fakes.attempts_of("9").is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_function_without_concurrency_is_paused_alone() {
    let world = World::new();
    world.fakes.behave(|event| match &*event.function.name {
        "f" => Some(Attempt::Throttled),
        _ => Some(ran(None)),
    });
    accept_many(&world, "f").await;
    world.accept("g", "1").await;
    world.advance(0).await;
    assert_eq!(world.fakes.attempts_of("1"), [0]);
    let throttled = || world.fakes.story().iter().filter(|step| step.contains("deferred")).count();
    // All that began together, not all that there are.
    assert!(throttled() <= 40, "{}", throttled());
    world.advance(1).await;
    world.accept("g", "2").await;
    world.advance(0).await;
    assert_eq!(world.fakes.attempts_of("2"), [1]);
    world.fakes.behave(|_| Some(ran(None)));
    world.advance(300).await;
    world.assert_nothing_is_left().await;
}
