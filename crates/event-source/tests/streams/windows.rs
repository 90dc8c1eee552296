//! Tumbling windows.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Call, Does, World, arn};

/// Collects all data in its state.
fn collect(call: &Call) -> Does {
    let mut seen = call.event["state"]["seen"].as_array().cloned().unwrap_or_default();
    seen.extend(call.data().into_iter().map(Value::String));
    Does::Answers(json!({"state": {"seen": seen}}).to_string())
}

/// `12 a,b of 10-20 with x`, with `final` and `early` behind it.
fn story(world: &World) -> Vec<String> {
    let tell = |call: &Call| {
        let second = |name: &str| {
            let text = call.event["window"][name].as_str().unwrap();
            let moment = clock::Timestamp::parse_iso8601(text).unwrap();
            moment.saturating_since(crate::world::START).as_secs()
        };
        let seen = call.event["state"]["seen"].as_array().cloned().unwrap_or_default();
        let seen: Vec<&str> = seen.iter().map(|seen| seen.as_str().unwrap()).collect();
        let flag = |name: &str, text| if call.event[name] == true { text } else { "" };
        format!(
            "{} [{}] of {}-{} with [{}]{}{}",
            call.at.as_secs(),
            call.text(),
            second("start"),
            second("end"),
            seen.join(","),
            flag("isFinalInvokeForWindow", " final"),
            flag("isWindowTerminatedEarly", " early"),
        )
    };
    world.calls().iter().map(tell).collect()
}

fn windowed(secs: u64) -> World {
    let world = World::new(1);
    world.create(|_, polling| polling.tumbling_window = Duration::from_secs(secs));
    world.behave(collect);
    world
}

#[test]
fn a_state_is_carried_through_the_window() {
    let world = windowed(10);
    world.advance_to(3);
    world.put("key", "a");
    world.advance_to(5);
    world.put_all(&["b", "c"]);
    world.advance_to(12);
    world.put("key", "d");
    world.advance_to(100);
    let expected = [
        "3 [a] of 0-10 with []",
        "5 [b,c] of 0-10 with [a]",
        "11 [] of 0-10 with [a,b,c] final",
        "12 [d] of 10-20 with []",
        "21 [] of 10-20 with [d] final",
    ];
    assert_eq!(story(&world), expected);
    assert_eq!(world.calls()[0].event["shardId"], "shardId-000000000000");
}

#[test]
fn a_batch_is_of_one_window() {
    let world = World::new(1);
    for second in [1, 2, 11, 12] {
        world.advance_to(second);
        world.put("key", &second.to_string());
    }
    world.behave(collect);
    world.create(|_, polling| polling.tumbling_window = Duration::from_secs(10));
    let expected =
        ["12 [1,2] of 0-10 with []", "12 [] of 0-10 with [1,2] final", "12 [11,12] of 10-20 with []"];
    assert_eq!(story(&world), expected);
}

#[test]
fn an_answer_without_a_state_is_a_failure() {
    let world = windowed(10);
    world.behave(|call| if call.at.as_secs() == 0 { Does::Answers("{}".to_owned()) } else { collect(call) });
    world.put("key", "a");
    world.advance_to(5);
    assert_eq!(story(&world), ["0 [a] of 0-10 with []", "1 [a] of 0-10 with []"]);
}

#[test]
fn the_final_invocation_must_succeed_before_it_goes_on() {
    let mut world = windowed(10);
    world.behave(|call| {
        let is_final = call.event["isFinalInvokeForWindow"] == true;
        if is_final && call.at.as_secs() < 15 { Does::Fails } else { collect(call) }
    });
    world.put("key", "a");
    world.advance_to(11);
    world = world.kill();
    world.advance_to(13);
    world.put("key", "b");
    world.advance_to(20);
    let expected = [
        "0 [a] of 0-10 with []",
        "11 [] of 0-10 with [a] final",
        "12 [] of 0-10 with [a] final",
        "14 [] of 0-10 with [a] final",
        "18 [] of 0-10 with [a] final",
        "18 [b] of 10-20 with []",
    ];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_final_invocation_is_given_up_as_batches_are() {
    let world = World::new(1);
    world.create(|_, polling| {
        polling.tumbling_window = Duration::from_secs(10);
        polling.maximum_retry_attempts = Some(1);
        polling.on_failure = Some(arn("sqs", "q"));
    });
    world.behave(
        |call| if call.event["isFinalInvokeForWindow"] == true { Does::Fails } else { collect(call) },
    );
    world.put_all(&["a", "b"]);
    world.put("key", "c");
    world.advance_to(30);
    assert_eq!(story(&world).len(), 4, "{:?}", story(&world));
    let record = &world.delivered()[0].1;
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["KinesisBatchInfo"]["batchSize"], 3, "what was in the state");
    world.put("key", "d");
    assert_eq!(story(&world)[4], "30 [d] of 30-40 with []");
}

#[test]
fn a_state_survives_the_process() {
    let mut world = windowed(10);
    world.put("key", "a");
    world = world.kill();
    world.put("key", "b");
    world = world.kill();
    world.advance_to(20);
    let expected = ["0 [a] of 0-10 with []", "0 [b] of 0-10 with [a]", "11 [] of 0-10 with [a,b] final"];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_window_that_ended_while_nothing_ran_is_closed() {
    let mut world = windowed(10);
    world.put("key", "a");
    world.update(|mapping, _| mapping.is_enabled = false);
    world.advance_to(5);
    world.put("key", "b");
    world.advance_to(50);
    world = world.kill();
    world.update(|mapping, _| mapping.is_enabled = true);
    let expected = ["0 [a] of 0-10 with []", "50 [b] of 0-10 with [a]", "50 [] of 0-10 with [a,b] final"];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_state_that_is_too_large_ends_the_window_early() {
    let world = windowed(10);
    world.behave(|call| match call.text().as_str() {
        "large" => Does::Answers(json!({"state": {"seen": ["x".repeat(1 << 20)]}}).to_string()),
        _ => collect(call),
    });
    world.put("key", "a");
    world.put("key", "large");
    world.put("key", "b");
    world.advance_to(20);
    let story = story(&world);
    assert_eq!(story.len(), 5, "{story:?}");
    assert!(story[2].starts_with("0 [] of 0-10 with [xxx") && story[2].ends_with(" final early"));
    assert_eq!(story[3], "0 [b] of 0-10 with []", "it goes on with an empty state");
    assert_eq!(story[4], "11 [] of 0-10 with [b] final");
}

#[test]
fn the_end_of_a_shard_closes_its_window() {
    let world = windowed(600);
    world.put("key", "a");
    world.split(0, 1 << 127);
    world.put_at(Some(0), &[("key", "b")]);
    let expected = ["0 [a] of 0-600 with []", "0 [] of 0-600 with [a] final", "0 [b] of 0-600 with []"];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_mapping_without_windows_any_more_closes_the_open_one() {
    let world = windowed(600);
    world.put("key", "a");
    world.update(|_, polling| polling.tumbling_window = Duration::ZERO);
    world.put("key", "b");
    assert_eq!(world.calls().len(), 3);
    assert_eq!(world.calls()[1].event["isFinalInvokeForWindow"], true);
    assert!(world.calls()[2].event.get("window").is_none());
}

#[test]
fn other_lanes_begin_after_the_open_windows_are_closed() {
    let world = windowed(600);
    world.put("key", "a");
    world.update(|_, polling| polling.parallelization_factor = 2);
    world.put("key", "b");
    let expected = ["0 [a] of 0-600 with []", "0 [] of 0-600 with [a] final", "0 [b] of 0-600 with []"];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_partial_response_keeps_the_state_of_what_succeeded() {
    let world = World::new(1);
    world.create(|mapping, polling| {
        polling.tumbling_window = Duration::from_secs(10);
        mapping.reports_batch_item_failures = true;
    });
    world.behave(|call| {
        if call.text() != "a,b" {
            return collect(call);
        }
        let failures = json!([{"itemIdentifier": call.number_of("b")}]);
        Does::Answers(json!({"state": {"seen": ["a"]}, "batchItemFailures": failures}).to_string())
    });
    world.put_all(&["a", "b"]);
    world.advance_to(20);
    let expected = ["0 [a,b] of 0-10 with []", "0 [b] of 0-10 with [a]", "11 [] of 0-10 with [a,b] final"];
    assert_eq!(story(&world), expected);
}

#[test]
fn a_state_takes_its_room_in_the_event() {
    let world = World::new(1);
    let large = "x".repeat(900_000);
    for second in 0..7 {
        world.advance_to(second * 2);
        world.put("key", if second == 0 { "small" } else { &large });
    }
    let state = large.clone();
    world.behave(move |_| Does::Answers(json!({"state": {"large": state}}).to_string()));
    world.create(|mapping, polling| {
        polling.tumbling_window = Duration::from_secs(600);
        mapping.batch_size = 1;
    });
    // Now with a state, and batches as large as they can be.
    world.update(|mapping, _| mapping.is_enabled = false);
    for second in 7..15 {
        world.advance_to(second * 2);
        world.put("key", &large);
    }
    world.outside.calls.lock().unwrap().clear();
    world.update(|mapping, _| {
        mapping.is_enabled = true;
        mapping.batch_size = 100;
    });
    let sizes: Vec<usize> = world.calls().iter().map(|call| call.data().len()).collect();
    assert_eq!(sizes, [4, 4]);
}

#[test]
fn a_record_that_failed_is_not_in_the_window() {
    let world = World::new(1);
    world.create(|mapping, polling| {
        polling.tumbling_window = Duration::from_secs(600);
        polling.maximum_retry_attempts = Some(0);
        polling.on_failure = Some(arn("sqs", "q"));
        mapping.reports_batch_item_failures = true;
    });
    world.behave(|call| match call.text().as_str() {
        "a,b,c" => {
            let failures = json!([{"itemIdentifier": call.number_of("c")}]);
            Does::Answers(json!({"state": {}, "batchItemFailures": failures}).to_string())
        }
        _ => Does::Fails,
    });
    world.put_all(&["a", "b", "c"]);
    world.advance_to(700);
    let sizes: Vec<_> =
        world.delivered().iter().map(|(_, record)| record["KinesisBatchInfo"]["batchSize"].clone()).collect();
    assert_eq!(sizes, [json!(1), json!(2)], "first the record, then the window without it");
}
