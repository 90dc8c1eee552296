//! What makes a batch, and what the function gets.

use std::time::Duration;

use serde_json::json;

use crate::world::{Does, World, arn, ok};

#[test]
fn a_record_reaches_the_function_at_once() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.put("key", "a");
    let calls = world.calls();
    assert_eq!(world.story(), ["0 a"]);
    let record = &calls[0].event["Records"][0];
    assert_eq!(record["eventSourceARN"], "arn:aws:kinesis:eu-central-1:000000000000:stream/s");
    assert_eq!(record["invokeIdentityArn"], "arn:aws:iam::000000000000:role/r");
    assert_eq!(record["kinesis"]["approximateArrivalTimestamp"], json!(1_800_000_000.0));
    assert!(calls[0].event.get("window").is_none());
    assert_eq!(world.get().unwrap().last_processing_result.as_deref(), Some("OK"));
}

#[test]
fn what_comes_while_the_function_runs_is_the_next_batch() {
    let world = World::new(1);
    world.create(|_, _| {});
    let gate = world.block_on(world.outside.gate.write());
    let put = |data| {
        let record = stream::NewRecord {
            partition_key: "key".to_owned(),
            explicit_hash_key: None,
            larger_than: None,
            data: bytes::Bytes::from_static(data),
        };
        world.block_on(world.stream().put(vec![record])).unwrap();
        world.take_turns();
    };
    put(b"a");
    put(b"b");
    put(b"c");
    assert_eq!(world.texts(), ["a"]);
    drop(gate);
    world.quiet();
    assert_eq!(world.texts(), ["a", "b,c"]);
}

#[test]
fn a_batch_has_at_most_its_size() {
    let world = World::new(1);
    world.put_all(&["1", "2", "3", "4", "5"]);
    world.create(|mapping, _| mapping.batch_size = 2);
    assert_eq!(world.texts(), ["1,2", "3,4", "5"]);
}

#[test]
fn a_batch_waits_for_its_window() {
    let world = World::new(1);
    world.create(|mapping, _| {
        mapping.batch_size = 3;
        mapping.batching_window = Duration::from_secs(10);
    });
    world.advance_to(100);
    world.put("key", "1");
    world.advance_to(105);
    world.put("key", "2");
    world.advance_to(109);
    assert_eq!(world.story(), Vec::<String>::new());
    world.advance_to(112);
    assert_eq!(world.story(), ["110 1,2"]);
    world.put_all(&["3", "4", "5", "6"]);
    assert_eq!(world.story()[1..], ["112 3,4,5"], "a full batch does not wait");
    world.advance_to(130);
    assert_eq!(world.story()[2..], ["122 6"]);
}

#[test]
fn an_event_has_at_most_6_mb() {
    let world = World::new(1);
    // Each second a shard takes one of them.
    let large = "x".repeat(1_000_000);
    for second in 0..7 {
        world.advance_to(second * 2);
        world.put("key", &large);
    }
    world.create(|_, _| {});
    let sizes: Vec<usize> = world.calls().iter().map(|call| call.data().len()).collect();
    assert_eq!(sizes, [4, 3]);
}

#[test]
fn only_records_that_are_wanted_are_handed_on() {
    let world = World::new(1);
    world.create(|mapping, _| {
        mapping.filters = vec![json!({"data": {"kind": ["good"]}}).to_string()];
        mapping.batch_size = 2;
    });
    let good = |n| json!({"kind": "good", "n": n}).to_string();
    world.put_all(&["{\"kind\":\"bad\"}", "no JSON", &good(1), "{}", &good(2), &good(3)]);
    let texts = world.texts();
    assert_eq!(texts.concat().matches("good").count(), 3);
    assert!(!texts.concat().contains("bad"));
    assert_eq!(world.figure("PolledEventCount"), 6.0);
    assert_eq!(world.figure("FilteredOutEventCount"), 3.0);
    assert_eq!(world.figure("InvokedEventCount"), 3.0);
    world.new_texts();
    world.put_all(&["{}", "{}"]);
    assert!(world.texts().is_empty(), "there is no invocation for nothing");
}

#[test]
fn many_unwanted_records_are_not_read_again() {
    let world = World::new(1);
    world.create(|mapping, _| mapping.filters = vec![json!({"data": {"kind": ["good"]}}).to_string()]);
    for second in 0..3 {
        world.advance_to(second * 2);
        world.put_all(&["{}"; 500]);
    }
    assert_eq!(world.rows("event-source-lane"), 1, "the position is written down though nothing was invoked");
    let world = world.kill();
    assert_eq!(world.figure("PolledEventCount"), 1_500.0 + 500.0);
}

#[test]
fn how_old_the_last_record_is_counts_with_each_invocation() {
    let world = World::new(1);
    world.put("key", "a");
    world.advance_to(5);
    world.behave(|call| if call.at.as_secs() == 5 { Does::Fails } else { ok() });
    world.create(|_, _| {});
    world.advance_to(10);
    assert_eq!(world.outside.figures.lock().unwrap()["IteratorAge"], [5_000.0, 6_000.0]);
    assert_eq!(world.figure("FailedInvokeEventCount"), 1.0);
}

#[test]
fn a_consumer_is_named_as_the_source() {
    let world = World::new(1);
    let consumer = arn("kinesis", "stream/s/consumer/c:1800000000");
    let source = consumer.clone();
    world.create(move |mapping, _| mapping.source = source);
    world.put("key", "a");
    assert_eq!(world.calls()[0].event["Records"][0]["eventSourceARN"], consumer.to_string());
}

#[test]
fn what_does_not_fit_into_an_event_comes_with_the_next() {
    let world = World::new(1);
    // Six times as long in JSON.
    let key = "\u{1}".repeat(256);
    for second in 0..4 {
        world.advance_to(second * 2);
        world.put_at(None, &[(key.as_str(), "x"); 1_000]);
    }
    world.create(|mapping, _| mapping.batch_size = 10_000);
    let sizes: Vec<usize> = world.calls().iter().map(|call| call.data().len()).collect();
    assert!(sizes.len() > 1, "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 4_000);
}
