//! Several batches of a shard at a time, in order by partition key.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::{Call, Does, World, ok};

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// `a1`, `b1`, ..., `a2`, ...: by their keys.
fn records(rounds: std::ops::Range<u32>) -> Vec<(&'static str, String)> {
    rounds.flat_map(|round| KEYS.map(|key| (key, format!("{key}{round}")))).collect()
}

fn put(world: &World, rounds: std::ops::Range<u32>) {
    let records = records(rounds);
    let records: Vec<(&str, &str)> = records.iter().map(|(key, data)| (*key, data.as_str())).collect();
    world.put_at(None, &records);
}

/// The records of each key in the order in which they succeeded.
fn by_key(calls: &[Call]) -> BTreeMap<char, Vec<String>> {
    let mut all: BTreeMap<char, Vec<String>> = BTreeMap::new();
    for data in calls.iter().flat_map(Call::data) {
        all.entry(data.chars().next().unwrap()).or_default().push(data);
    }
    all
}

fn assert_each_once(calls: &[Call], rounds: u32) {
    for (key, data) in by_key(calls) {
        let expected: Vec<String> = (0..rounds).map(|round| format!("{key}{round}")).collect();
        assert_eq!(data, expected);
    }
    assert_eq!(by_key(calls).len(), KEYS.len());
}

#[test]
fn keys_are_handled_beside_each_other() {
    let world = World::new(1);
    put(&world, 0..3);
    world.create(|mapping, polling| {
        polling.parallelization_factor = 10;
        mapping.is_enabled = false;
    });
    let outside = world.outside.clone();
    let gate = world.block_on(outside.gate.write());
    world.update_without_waiting(|mapping, _| mapping.is_enabled = true);
    world.take_turns();
    assert!(world.calls().len() > 1, "{:?}", world.texts());
    drop(gate);
    world.quiet();
    assert_each_once(&world.calls(), 3);
}

#[test]
fn a_key_that_fails_blocks_only_its_lane() {
    let world = World::new(1);
    world.create(|_, polling| polling.parallelization_factor = 10);
    world.behave(|call| if call.has("a0") { Does::Fails } else { ok() });
    put(&world, 0..1);
    put(&world, 1..2);
    let done: Vec<String> =
        world.calls().iter().filter(|call| !call.has("a0")).flat_map(Call::data).collect();
    assert!(!done.contains(&"a1".to_owned()), "{done:?}");
    assert!(done.len() >= 6, "{done:?}");
}

/// Whatever the numbers are, and whoever fails meanwhile.
#[test]
fn another_number_of_lanes_loses_and_repeats_nothing() {
    for factors in [[1, 4, 3], [10, 1, 2], [3, 2, 10], [2, 10, 1]] {
        let world = World::new(1);
        world.create(|mapping, polling| {
            polling.parallelization_factor = factors[0];
            mapping.batch_size = 2;
        });
        world.behave(|call| {
            let is_bad = ["b", "e"].iter().any(|key| call.text().contains(key));
            if is_bad && call.at < Duration::from_secs(1_000) { Does::Fails } else { ok() }
        });
        let succeeded = |call: &Call| {
            call.at >= Duration::from_secs(1_000) || !["b", "e"].iter().any(|key| call.text().contains(key))
        };
        for (round, factor) in (0..).zip(factors) {
            if round > 0 {
                world.update(|_, polling| polling.parallelization_factor = factor);
            }
            put(&world, round..round + 1);
        }
        world.advance_to(1_100);
        let calls: Vec<Call> = world.calls().into_iter().filter(succeeded).collect();
        assert_each_once(&calls, 3);
    }
}

#[test]
fn retries_of_a_lane_survive_a_process() {
    let mut world = World::new(1);
    world.create(|_, polling| {
        polling.parallelization_factor = 10;
        polling.maximum_retry_attempts = Some(3);
    });
    world.behave(|call| if call.has("a0") { Does::Fails } else { ok() });
    put(&world, 0..1);
    for second in [1, 2, 3, 10, 20] {
        world = world.kill();
        world.advance_to(second);
    }
    let attempts: Vec<u64> =
        world.calls().iter().filter(|call| call.has("a0")).map(|call| call.at.as_secs()).collect();
    assert_eq!(attempts, [0, 1, 3, 7]);
    let others = world.calls().iter().filter(|call| call.has("d0")).count();
    assert_eq!(others, 1);
}
