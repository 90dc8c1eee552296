//! Mappings that are disabled, enabled, deleted, and outlived.

use event_source::{Start, State};
use store::{Applied, CommitError};

use crate::world::{Does, World, ok};

#[test]
fn a_disabled_mapping_goes_on_where_it_was() {
    let world = World::new(1);
    world.create(|_, polling| polling.start = Start::Latest);
    world.put("key", "a");
    world.update(|mapping, _| mapping.is_enabled = false);
    assert_eq!(world.get().unwrap().state, State::Disabled);
    world.put("key", "b");
    world.advance_to(1_000);
    assert_eq!(world.texts(), ["a"]);
    let world = world.kill();
    world.update(|mapping, _| mapping.is_enabled = true);
    assert_eq!(world.get().unwrap().state, State::Enabled);
    assert_eq!(world.texts(), ["a", "b"]);
}

#[test]
fn what_failed_waits_for_a_disabled_mapping_too() {
    let world = World::new(1);
    world.create(|_, polling| polling.maximum_retry_attempts = Some(2));
    world.behave(|_| Does::Fails);
    world.put("key", "a");
    world.advance_to(1);
    world.update(|mapping, _| mapping.is_enabled = false);
    world.advance_to(50);
    world.update(|mapping, _| mapping.is_enabled = true);
    world.advance_to(100);
    assert_eq!(world.story(), ["0 a", "1 a", "50 a"]);
}

#[test]
fn a_deleted_mapping_leaves_nothing() {
    let world = World::new(2);
    world.create(|_, polling| polling.parallelization_factor = 3);
    world.put_all(&["a", "b"]);
    assert!(world.rows("event-source-lane") > 0);
    world.delete();
    assert!(world.get().is_none());
    for table in ["event-source-lane", "event-source-shard", "event-source-beginning"] {
        assert_eq!(world.rows(table), 0, "{table}");
    }
    world.create(|_, _| {});
    assert_eq!(world.texts(), ["a,b", "a,b"], "the same mapping made anew begins anew");
}

#[test]
fn nothing_is_repeated_after_an_orderly_end() {
    let mut world = World::new(1);
    world.create(|_, _| {});
    for data in ["a", "b", "c"] {
        world.put("key", data);
        world = world.restart();
    }
    world.advance_to(100);
    assert_eq!(world.texts(), ["a", "b", "c"]);
}

#[test]
fn a_checkpoint_whose_commit_fails_is_made_again() {
    for (error, applied) in [
        (CommitError::Unavailable("now".to_owned()), Applied::No),
        (CommitError::Unknown("lost".to_owned()), Applied::No),
        (CommitError::Unknown("lost".to_owned()), Applied::Yes),
    ] {
        let world = World::new(1);
        world.create(|_, _| {});
        world.put("key", "good");
        let store = world.outside.store.clone();
        world.behave(move |call| {
            if call.has("a") {
                store.fail_next_commit(error.clone(), applied);
            }
            ok()
        });
        world.put("key", "a");
        // A store that fails is asked again in execution time; virtual time waits for it.
        world.put("key", "b");
        let world = world.kill();
        assert_eq!(world.texts(), ["good", "a", "b"]);
    }
}

#[test]
fn a_stream_that_is_made_anew_is_begun_anew() {
    let world = World::new(2);
    world.create(|_, _| {});
    world.put("key", "a");
    world.remove_stream();
    world.quiet();
    world.make_stream(1);
    world.put("key", "b");
    // Streams are looked for in execution time.
    let mut tries = 0;
    while world.texts().len() < 2 {
        world.block_on(clock::execution_sleep(std::time::Duration::from_millis(10)));
        tries += 1;
        assert!(tries < 2_000, "the new stream was not found");
    }
    assert_eq!(world.texts(), ["a", "b"]);
}

#[test]
fn a_mapping_stops_when_its_consumer_is_deregistered() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.put("key", "a");
    world.outside.is_deregistered.send_replace(true);
    world.quiet();
    assert!(world.get().unwrap().last_processing_result.unwrap().starts_with("PROBLEM: Stream not found: "));
    world.put("key", "b");
    assert_eq!(world.texts(), ["a"]);
}
