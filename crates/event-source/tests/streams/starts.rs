//! Where a mapping begins.

use std::time::Duration;

use event_source::Start;

use crate::world::{START, World};

#[test]
fn trim_horizon_begins_with_the_oldest() {
    let world = World::new(2);
    world.put_all(&["a", "b"]);
    world.create(|_, _| {});
    assert_eq!(world.texts(), ["a,b"]);
}

#[test]
fn latest_begins_with_what_comes_after_it_is_enabled() {
    let world = World::new(1);
    world.put("key", "before");
    world.create(|_, polling| polling.start = Start::Latest);
    world.put("key", "after");
    let world = world.kill();
    world.put("key", "later");
    assert_eq!(world.texts(), ["after", "later"]);
}

#[test]
fn latest_is_when_it_is_enabled_for_the_first_time() {
    let world = World::new(1);
    world.create(|mapping, polling| {
        polling.start = Start::Latest;
        mapping.is_enabled = false;
    });
    world.put("key", "before");
    world.update(|mapping, _| mapping.is_enabled = true);
    world.put("key", "after");
    assert_eq!(world.texts(), ["after"]);
}

#[test]
fn latest_holds_though_nothing_came_before_the_process_ended() {
    let world = World::new(1);
    world.create(|_, polling| polling.start = Start::Latest);
    world.update(|mapping, _| mapping.is_enabled = false);
    world.put("key", "while disabled");
    let world = world.kill();
    world.update(|mapping, _| mapping.is_enabled = true);
    assert_eq!(world.texts(), ["while disabled"]);
}

#[test]
fn a_moment_begins_with_what_arrived_then() {
    let world = World::new(1);
    for second in [0, 10, 20] {
        world.advance_to(second);
        world.put("key", &second.to_string());
    }
    world.create(|_, polling| polling.start = Start::AtTimestamp(START + Duration::from_secs(10)));
    assert_eq!(world.texts(), ["10,20"]);
}

#[test]
fn children_of_a_shard_that_was_there_begin_at_their_beginning() {
    let world = World::new(1);
    world.put("key", "before");
    world.create(|_, polling| polling.start = Start::Latest);
    world.update(|mapping, _| mapping.is_enabled = false);
    world.split(0, 1 << 127);
    world.put_at(Some(0), &[("key", "low")]);
    world.put_at(Some(u128::MAX), &[("key", "high")]);
    world.update(|mapping, _| mapping.is_enabled = true);
    let mut texts = world.texts();
    texts.sort();
    assert_eq!(texts, ["high", "low"]);
}
