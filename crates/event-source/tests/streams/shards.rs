//! Parents before children.

use crate::world::{Does, HIGH, LOW, World, ok};

#[test]
fn children_wait_for_their_parent() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.behave(|call| if call.has("parent") && call.at.as_secs() < 5 { Does::Fails } else { ok() });
    world.put("key", "parent");
    world.split(0, 1 << 127);
    world.put_at(Some(LOW), &[("key", "low")]);
    world.put_at(Some(HIGH), &[("key", "high")]);
    assert_eq!(world.texts(), ["parent"]);
    world.advance_to(10);
    let mut story = world.story();
    story[4..].sort();
    assert_eq!(story, ["0 parent", "1 parent", "3 parent", "7 parent", "7 high", "7 low"]);
}

#[test]
fn lanes_that_have_ended_do_not_hold_up_the_others() {
    let world = World::new(1);
    world.create(|_, polling| polling.parallelization_factor = 10);
    world.behave(|call| if call.has("a") && call.at.as_secs() < 5 { Does::Fails } else { ok() });
    world.put_at(None, &[("a", "a"), ("b", "b"), ("c", "c")]);
    world.split(0, 1 << 127);
    world.put_at(Some(LOW), &[("key", "child")]);
    world.advance_to(10);
    assert_eq!(world.story().last().unwrap(), "7 child");
}

#[test]
fn both_parents_come_before_their_child() {
    let mut world = World::new(2);
    world.create(|_, _| {});
    world.behave(|call| if call.has("two") && call.at.as_secs() < 5 { Does::Fails } else { ok() });
    world.put_at(Some(LOW), &[("key", "one")]);
    world.put_at(Some(HIGH), &[("key", "two")]);
    world.merge(0, 1);
    world.put("key", "child");
    world = world.kill();
    assert_eq!(world.texts(), ["one", "two"]);
    world.advance_to(10);
    assert_eq!(world.story(), ["0 one", "0 two", "1 two", "3 two", "7 two", "7 child"]);
}

#[test]
fn shards_that_were_closed_before_the_beginning_are_read_in_order() {
    let world = World::new(1);
    world.put("key", "1");
    world.split(0, 1 << 127);
    world.put_at(Some(LOW), &[("key", "2")]);
    world.merge(1, 2);
    world.put("key", "3");
    world.create(|_, polling| polling.parallelization_factor = 3);
    assert_eq!(world.texts(), ["1", "2", "3"]);
}

#[test]
fn a_shard_that_has_ended_is_not_read_again() {
    let mut world = World::new(1);
    world.create(|_, _| {});
    world.put("key", "1");
    world.split(0, 1 << 127);
    assert_eq!(world.rows("event-source-lane"), 0, "its lanes are gone");
    world = world.kill();
    world.put_at(Some(LOW), &[("key", "2")]);
    assert_eq!(world.texts(), ["1", "2"]);
}

#[test]
fn shards_that_expired_are_forgotten() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.put("key", "1");
    world.split(0, 1 << 127);
    world.put_at(Some(LOW), &[("key", "2")]);
    assert_eq!(world.rows("event-source-shard"), 3);
    for hour in 1..=30 {
        world.advance_to(hour * 3_600);
    }
    world.put_at(Some(HIGH), &[("key", "3")]);
    world.update(|mapping, _| mapping.batch_size = 7);
    assert_eq!(world.texts(), ["1", "2", "3"]);
    assert_eq!(world.rows("event-source-shard"), 2);
}

#[test]
fn a_parent_that_expired_unread_stands_in_nobodys_way() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.behave(|call| if call.has("bad") { Does::Fails } else { ok() });
    world.put("key", "bad");
    world.split(0, 1 << 127);
    for hour in 1..=30 {
        world.advance_to(hour * 3_600);
    }
    world.put_at(Some(LOW), &[("key", "good")]);
    assert_eq!(world.texts().last().unwrap(), "good");
}
