//! Whole-system runs: queues, topics, asynchronous events, streams and event source mappings over one store, by a seed.
//!
//! A run sends, publishes, puts, splits, invokes, receives and deletes, turns the virtual clock, has commits fail and
//! kills and restarts the services at random, also in the middle of something; then everything is drained. Nothing that
//! was acknowledged may be missing, nothing that was deleted may come back, and no group of a FIFO queue and no partition
//! key of a stream may be out of order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod functions;
mod sources;
mod world;

use std::time::Duration;

use simulator::{Chance, cut_off, for_each_seed, run_paused};
use store::Entry;

use sources::MAPPED;
use world::{QUEUES, World};

/// How often the store fails while it does, in a hundred times.
const FAULT_PERCENT: u64 = 2;

/// Longer than anything takes: the runtime's time jumps ahead whenever nothing is left to do.
const LIMIT: Duration = Duration::from_secs(86_400);

/// What is done in one run.
const STEPS: usize = 24;

#[test]
fn nothing_acknowledged_is_lost() {
    // Made once: the key that notifications are signed with takes longer than many runs.
    let stored = run_paused(LIMIT, prepare());
    for_each_seed(600, |seed| run_paused(LIMIT, run(seed, &stored)));
}

/// What a server leaves on which there was a topic once, and a publication.
async fn prepare() -> Vec<Entry> {
    let mut world = World::new(Chance::new(u64::MAX), &[]).await;
    world.set_up().await;
    world.publish("first".to_owned(), false).await;
    world.drain().await;
    world.entries().await
}

async fn run(seed: u64, stored: &[Entry]) {
    let chance = Chance::new(seed);
    let mut world = World::new(chance.split(), stored).await;
    // Half of the runs are without faults: there nothing may even be doubled.
    let faulty = seed % 2 == 1;
    world.fail(if faulty { FAULT_PERCENT } else { 0 });
    for step in 0..STEPS {
        if faulty && chance.percent(10) {
            // It is cut off in the middle.
            cut_off(chance.below(48), act(&mut world, &chance, step, faulty)).await;
            world.restart().await;
            continue;
        }
        act(&mut world, &chance, step, faulty).await;
    }
    world.drain().await;
    check(&world, faulty).await;
}

async fn act(world: &mut World, chance: &Chance, step: usize, faulty: bool) {
    let fails = chance.percent(50);
    let what = chance.below(17);
    match what {
        0..3 => world.invoke(format!("e{step}"), fails).await,
        3 | 4 => world.publish(format!("p{step}"), fails).await,
        5 | 6 => {
            let orders = (0..chance.below(4)).map(|index| format!("o{step}-{index}")).collect();
            let group = |index| format!("g{}", index % 2);
            let steps =
                (0..chance.below(4)).map(|index| (group(index), format!("s{step}-{index}"))).collect();
            world.send(orders, steps).await;
        }
        7 | 8 => {
            let queue = ["orders", "steps.fifo"][usize::from(chance.percent(50))];
            world.receive(queue, chance.below(3) > 0).await;
        }
        9 | 10 => world.advance(Duration::from_secs(chance.below(100))).await,
        11 => {
            for index in 0..chance.below(5) {
                world.send_job(format!("j{step}-{index}"), chance.below(4) == 0).await;
            }
        }
        12 | 13 => {
            for index in 0..chance.below(5) {
                let group = format!("g{}", chance.below(3));
                world.send_line(&group, format!("l{step}-{index}"), chance.below(5) == 0).await;
            }
        }
        14 | 15 => {
            for index in 0..chance.below(5) {
                let key = format!("k{}", chance.below(4));
                world.put_tick(&key, format!("t{step}-{index}"), chance.below(6) == 0).await;
            }
            if chance.below(8) == 0 {
                world.split(chance.below(2)).await;
            }
        }
        // A run that is cut off runs again: where nothing may be doubled, nothing is cut off.
        _ if faulty => world.restart().await,
        _ => {}
    }
}

async fn check(world: &World, faulty: bool) {
    let (dead, failures, successes) =
        (world.numbers_in("dead"), world.numbers_in("failures"), world.numbers_in("successes"));
    for (number, fails) in &world.seen.events {
        let (there, elsewhere) = if *fails { (&failures, &successes) } else { (&successes, &failures) };
        assert!(there.contains_key(number), "{number} (fails: {fails}) has no record");
        assert!(!elsewhere.contains_key(number), "{number} (fails: {fails}) has the wrong record");
        assert_eq!(dead.contains_key(number), *fails, "{number} in the dead-letter queue");
        let runs = world.outcome.runs.of(number);
        let expected = if *fails { 3 } else { 1 };
        assert!(runs >= expected, "{number} ran {runs} times");
        if !faulty {
            assert_eq!((there[number], runs), (1, expected), "{number} was doubled");
        }
    }
    let empty = Vec::new();
    let received = |queue| world.seen.received.get(queue).unwrap_or(&empty);
    for body in &world.seen.orders {
        assert!(received("orders").contains(body), "{body} was never received");
    }
    for (group, sent) in &world.seen.steps {
        let seen: Vec<_> = received("steps.fifo").iter().filter(|body| sent.contains(body)).collect();
        assert_eq!(seen, sent.iter().collect::<Vec<_>>(), "the order of {group}");
    }
    let mut put_aside = world.numbers_in("dead-jobs");
    put_aside.append(&mut world.numbers_in("dead-lines.fifo"));
    world.accepted.check(&world.outcome.handled, &put_aside, received("given-up"), faulty);
    for queue in QUEUES.into_iter().chain(MAPPED) {
        assert_eq!(world.counters(queue).await, 0, "what the counters of {queue} say");
    }
}
