//! Whole-system runs: queues, topics, asynchronous events, streams and event source mappings over one store, by a seed.
//!
//! A run sends, publishes, puts, splits, invokes, receives and deletes, turns the virtual clock, has commits fail and
//! kills and restarts the services at random, also in the middle of something; then everything is drained. Nothing that
//! was acknowledged may be missing, nothing that was deleted may come back, and no group of a FIFO queue and no partition
//! key of a stream may be out of order. `LAMBENT_SEEDS` says how many runs are made, `LAMBENT_SEED` repeats one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod functions;
mod sources;
mod world;

use std::ops::Range;
use std::time::Duration;

use clock::execution_timeout;
use ids::IdSource;
use store::Entry;

use sources::MAPPED;
use world::{QUEUES, World};

/// Seeds of an ordinary run.
const SEEDS: u64 = 600;

/// Longer than anything takes: the runtime's time jumps ahead whenever nothing is left to do.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// What is done in one run.
const STEPS: usize = 24;

#[test]
fn nothing_acknowledged_is_lost() {
    // Made once: the key that notifications are signed with takes longer than many runs.
    let stored = simulate(prepare());
    for seed in seeds() {
        let outcome = std::panic::catch_unwind(|| simulate(run(seed, &stored)));
        assert!(outcome.is_ok(), "the failing seed: LAMBENT_SEED={seed}");
    }
}

/// Runs on one thread, in an order that only the seed decides.
fn simulate<T>(world: impl Future<Output = T>) -> T {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(world)
}

/// What a server leaves on which there was a topic once, and a publication.
async fn prepare() -> Vec<Entry> {
    let mut world = World::new(u64::MAX, &[]).await;
    world.set_up().await;
    world.publish("first".to_owned(), false).await;
    world.drain().await;
    world.store.entries().await
}

fn seeds() -> Range<u64> {
    match number_from("LAMBENT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("LAMBENT_SEEDS").unwrap_or(SEEDS),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is steered by its environment")]
fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

async fn run(seed: u64, stored: &[Entry]) {
    let mut world = World::new(seed, stored).await;
    let chance = IdSource::seeded(seed).split();
    // Half of the runs are without faults: there nothing may even be doubled.
    let faulty = seed % 2 == 1;
    world.store.set_faulty(faulty);
    for step in 0..STEPS {
        if faulty && chance.bits().is_multiple_of(10) {
            crash_during(act(&mut world, &chance, step, faulty), chance.bits() % 16).await;
            world.restart().await;
            continue;
        }
        let acted = execution_timeout(PATIENCE, act(&mut world, &chance, step, faulty)).await;
        assert!(acted.is_ok(), "step {step} never ends");
    }
    assert!(execution_timeout(PATIENCE, world.drain()).await.is_ok(), "the end never comes");
    check(&world, faulty).await;
}

/// Begins something that is cut off after so many turns, unless it has ended by then.
async fn crash_during(action: impl Future<Output = ()>, turns: u64) {
    let cut_off = async {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = action => {}
        () = cut_off => {}
    }
}

async fn act(world: &mut World, chance: &IdSource, step: usize, faulty: bool) {
    let fails = chance.bits().is_multiple_of(2);
    let what = chance.bits() % 17;
    match what {
        0..3 => world.invoke(format!("e{step}"), fails).await,
        3 | 4 => world.publish(format!("p{step}"), fails).await,
        5 | 6 => {
            let orders = (0..chance.bits() % 4).map(|index| format!("o{step}-{index}")).collect();
            let group = |index| format!("g{}", index % 2);
            let steps =
                (0..chance.bits() % 4).map(|index| (group(index), format!("s{step}-{index}"))).collect();
            world.send(orders, steps).await;
        }
        7 | 8 => {
            let queue = ["orders", "steps.fifo"][usize::from(chance.bits().is_multiple_of(2))];
            world.receive(queue, !chance.bits().is_multiple_of(3)).await;
        }
        9 | 10 => world.advance(Duration::from_secs(chance.bits() % 100)).await,
        11 => {
            for index in 0..chance.bits() % 5 {
                world.send_job(format!("j{step}-{index}"), chance.bits().is_multiple_of(4)).await;
            }
        }
        12 | 13 => {
            for index in 0..chance.bits() % 5 {
                let group = format!("g{}", chance.bits() % 3);
                world.send_line(&group, format!("l{step}-{index}"), chance.bits().is_multiple_of(5)).await;
            }
        }
        14 | 15 => {
            for index in 0..chance.bits() % 5 {
                let key = format!("k{}", chance.bits() % 4);
                world.put_tick(&key, format!("t{step}-{index}"), chance.bits().is_multiple_of(6)).await;
            }
            if chance.bits().is_multiple_of(8) {
                world.split(chance.bits() % 2).await;
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
