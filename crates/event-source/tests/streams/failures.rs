//! What is tried again, when, and how often.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use targets::{Agenda, What};

use crate::world::{Call, Does, START, World, ok};

/// Fails batches with this record.
fn poison(data: &'static str) -> impl Fn(&Call) -> Does {
    move |call| if call.has(data) { Does::Fails } else { ok() }
}

/// Says that these records failed, as far as they are in the batch.
fn reports(data: &'static [&'static str]) -> impl Fn(&Call) -> Does {
    move |call| {
        let failures = data.iter().filter(|data| call.has(data));
        let failures: Vec<_> = failures.map(|data| json!({"itemIdentifier": call.number_of(data)})).collect();
        Does::Answers(json!({"batchItemFailures": failures}).to_string())
    }
}

#[test]
fn a_batch_that_fails_is_tried_again_with_growing_waits() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.behave(|call| if call.at.as_secs() < 100 { Does::Fails } else { ok() });
    world.put_all(&["a", "b"]);
    world.put("key", "c");
    assert_eq!(world.get().unwrap().last_processing_result.as_deref(), Some("PROBLEM: Function call failed"));
    world.advance_to(300);
    let expected = ["0 a,b", "1 a,b", "3 a,b", "7 a,b", "15 a,b", "31 a,b", "63 a,b", "123 a,b", "123 c"];
    assert_eq!(world.story(), expected);
    assert_eq!(world.get().unwrap().last_processing_result.as_deref(), Some("OK"));
}

#[test]
fn attempts_are_told() {
    let world = World::new(1);
    world.create(|_, polling| polling.maximum_retry_attempts = Some(1));
    world.behave(poison("a"));
    world.put("key", "a");
    world.advance_to(10);
    let steps = world.outside.steps.lock().unwrap();
    let told: Vec<String> = steps
        .iter()
        .map(|step| match &step.what {
            What::Attempted(attempted) => format!("attempt {}", attempted.number),
            What::Ended { condition } => condition.clone(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["attempt 1", "attempt 2", "RetryAttemptsExhausted"]);
}

#[test]
fn n_retries_are_n_plus_one_attempts() {
    let world = World::new(1);
    world.create(|_, polling| polling.maximum_retry_attempts = Some(2));
    world.behave(poison("a"));
    world.put_all(&["a", "b"]);
    world.put("key", "c");
    world.advance_to(10);
    assert_eq!(world.story(), ["0 a,b", "1 a,b", "3 a,b", "3 c"]);
    assert_eq!(world.figure("DroppedEventCount"), 2.0);
}

#[test]
fn halves_are_tried_in_order() {
    let world = World::new(1);
    world.create(|_, polling| {
        polling.bisects_batch_on_function_error = true;
        polling.maximum_retry_attempts = Some(1);
    });
    world.behave(poison("4"));
    world.put_all(&["1", "2", "3", "4", "5"]);
    world.put("key", "6");
    world.advance_to(10);
    let expected = ["0 1,2,3,4,5", "0 1,2,3", "0 4,5", "0 4", "1 4", "1 5", "1 6"];
    assert_eq!(world.story(), expected);
}

#[test]
fn a_partial_response_goes_on_with_the_lowest() {
    let world = World::new(1);
    world.create(|mapping, polling| {
        mapping.reports_batch_item_failures = true;
        polling.maximum_retry_attempts = Some(1);
    });
    world.behave(reports(&["4", "3"]));
    world.put_all(&["1", "2", "3", "4"]);
    world.advance_to(10);
    assert_eq!(world.story(), ["0 1,2,3,4", "0 3,4", "1 3,4"]);
}

#[test]
fn a_partial_response_and_halves_find_the_record() {
    let world = World::new(1);
    world.create(|mapping, polling| {
        mapping.reports_batch_item_failures = true;
        polling.maximum_retry_attempts = Some(0);
        polling.bisects_batch_on_function_error = true;
    });
    world.behave(reports(&["3"]));
    world.put_all(&["1", "2", "3", "4", "5", "6"]);
    world.advance_to(10);
    assert_eq!(world.story(), ["0 1,2,3,4,5,6", "0 3,4,5,6", "0 3,4", "0 3", "0 4", "0 5,6"]);
    let steps = world.outside.steps.lock().unwrap();
    let failed = steps.iter().filter_map(|step| match &step.what {
        What::Attempted(attempted) => Some(attempted.failed_items),
        _ => None,
    });
    assert_eq!(failed.collect::<Vec<_>>(), [4, 4, 2, 1, 0, 0], "it is told that not all went well");
    drop(steps);
    assert_eq!(world.figure("DroppedEventCount"), 1.0);
}

#[test]
fn a_report_without_the_response_type_is_ignored() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.behave(reports(&["a"]));
    world.put("key", "a");
    world.advance_to(10);
    assert_eq!(world.story(), ["0 a"]);
}

#[test]
fn what_is_throttled_uses_up_no_retry() {
    let world = World::new(1);
    world.create(|_, polling| polling.maximum_retry_attempts = Some(0));
    world.behave(|call| if call.at.as_secs() < 10 { Does::IsThrottled } else { ok() });
    world.put("key", "a");
    let result = world.get().unwrap().last_processing_result.unwrap();
    assert!(result.starts_with("PROBLEM: "), "{result}");
    world.advance_to(100);
    assert_eq!(world.story(), ["0 a", "1 a", "3 a", "7 a", "15 a"]);
    assert_eq!(world.figure("DroppedEventCount"), 0.0);
}

#[test]
fn a_function_that_is_gone_is_waited_for() {
    let world = World::new(1);
    *world.outside.is_gone.lock().unwrap() = true;
    world.create(|_, polling| polling.maximum_retry_attempts = Some(0));
    world.put("key", "a");
    world.advance_to(2);
    assert!(world.get().unwrap().last_processing_result.unwrap().starts_with("PROBLEM: "));
    assert!(world.figure("FailedInvokeEventCount") > 0.0);
    *world.outside.is_gone.lock().unwrap() = false;
    world.advance_to(10);
    assert_eq!(world.story(), ["3 a"]);
}

#[test]
fn records_that_are_too_old_are_not_tried() {
    let world = World::new(1);
    world.put("key", "old");
    world.advance_to(50);
    world.put("key", "young");
    world.advance_to(60);
    world.create(|_, polling| polling.maximum_record_age = Some(Duration::from_secs(60)));
    assert_eq!(world.story(), ["60 young"]);
    assert_eq!(world.figure("DroppedEventCount"), 1.0);
}

#[test]
fn a_batch_is_given_up_in_the_moment_in_which_it_is_too_old() {
    let world = World::new(1);
    world.create(|_, polling| polling.maximum_record_age = Some(Duration::from_secs(60)));
    world.behave(poison("a"));
    world.put("key", "a");
    world.advance_to(5);
    world.put("key", "b");
    world.advance_to(59);
    assert_eq!(world.texts(), ["a"; 6]);
    world.advance_to(61);
    assert_eq!(world.story()[6..], ["60 b"]);
}

#[test]
fn only_what_is_too_old_is_dropped_between_attempts() {
    let world = World::new(1);
    world.put("key", "old");
    world.advance_to(45);
    world.put("key", "young");
    world.behave(|call| if call.at.as_secs() < 60 { Does::Fails } else { ok() });
    world.create(|_, polling| polling.maximum_record_age = Some(Duration::from_secs(60)));
    world.advance_to(100);
    let expected = ["45 old,young", "46 old,young", "48 old,young", "52 old,young", "60 young"];
    assert_eq!(world.story(), expected);
    assert_eq!(world.figure("DroppedEventCount"), 1.0);
}

#[test]
fn records_that_expire_in_the_stream_are_passed_over() {
    let world = World::new(1);
    world.create(|_, _| {});
    world.behave(poison("a"));
    world.put("key", "a");
    world.advance_to(86_000);
    world.put("key", "b");
    assert!(!world.texts().contains(&"b".to_owned()));
    world.advance_to(90_500);
    assert!(world.texts().contains(&"b".to_owned()), "{:?}", world.story().last());
    // "this doesn't include the number of records that expire due to exceeding your event source's retention settings"
    assert_eq!(world.figure("DroppedEventCount"), 0.0);
}

#[test]
fn a_failed_batch_of_which_a_filter_wants_more_now_is_tried_in_parts() {
    let world = World::new(1);
    world.create(|mapping, _| {
        mapping.filters = vec![r#"{"data": {"is": ["wanted"]}}"#.to_owned()];
        mapping.batching_window = Duration::from_secs(30);
    });
    world.behave(|call| if call.at.as_secs() < 31 { Does::Fails } else { ok() });
    let wanted = r#"{"is": "wanted"}"#;
    let large: Vec<String> = (0..20).map(|number| format!("\"{number}{}\"", "x".repeat(900_000))).collect();
    world.put("key", wanted);
    for (second, record) in (1..).zip(&large) {
        world.advance_to(second);
        world.put("key", record);
    }
    world.put("key", wanted);
    world.advance_to(30);
    assert_eq!(world.new_texts(), [format!("{wanted},{wanted}")]);
    world.update(|mapping, _| mapping.filters.clear());
    world.advance_to(100);
    let calls = world.calls();
    assert!(calls.len() >= 4, "{}", calls.len());
    let handled: Vec<String> = calls.iter().flat_map(Call::data).collect();
    let all = [wanted].into_iter().chain(large.iter().map(String::as_str)).chain([wanted]);
    assert!(handled.iter().map(String::as_str).eq(all), "each once, in their order: {}", handled.len());
}

#[test]
fn a_lane_that_breaks_down_is_begun_anew_after_a_while() {
    let world = World::new(1);
    let calls = AtomicU32::new(0);
    world.behave(move |_| {
        assert!(calls.fetch_add(1, Ordering::Relaxed) >= 3, "on purpose");
        ok()
    });
    world.create(|_, _| {});
    world.block_on(async { tokio::time::pause() });
    world.put("key", "a");
    world.block_on(clock::execution_sleep(Duration::from_millis(100)));
    assert_eq!(world.texts(), ["a"], "it does not spin");
    world.block_on(clock::execution_sleep(Duration::from_secs(5)));
    assert_eq!(world.texts(), ["a"; 4]);
}

#[test]
fn a_shard_that_fails_blocks_no_other() {
    let world = World::new(2);
    world.create(|_, _| {});
    world.behave(poison("bad"));
    world.put_at(Some(crate::world::LOW), &[("x", "bad")]);
    world.put_at(Some(crate::world::HIGH), &[("y", "good")]);
    world.put_at(Some(crate::world::LOW), &[("x", "behind")]);
    assert_eq!(world.texts(), ["bad", "good"]);
}

#[test]
fn retries_are_exact_across_processes() {
    let mut world = World::new(1);
    world.create(|_, polling| {
        polling.maximum_retry_attempts = Some(5);
        polling.bisects_batch_on_function_error = true;
    });
    world.behave(poison("2"));
    world.put_all(&["1", "2", "3"]);
    for second in [1, 2, 3, 8, 20, 40] {
        world = world.kill();
        world.advance_to(second);
    }
    let expected = ["0 1,2,3", "0 1,2", "0 1", "0 2", "1 2", "3 2", "7 2", "15 2", "31 2", "31 3"];
    assert_eq!(world.story(), expected);
}

#[test]
fn an_invocation_that_the_end_of_a_process_cut_off_is_repeated() {
    let world = World::new(1);
    world.create(|_, _| {});
    let calls = AtomicU32::new(0);
    world.behave(move |_| if calls.fetch_add(1, Ordering::Relaxed) == 0 { Does::NeverReturns } else { ok() });
    let record = stream::NewRecord {
        partition_key: "key".to_owned(),
        explicit_hash_key: None,
        larger_than: None,
        data: bytes::Bytes::from_static(b"a"),
    };
    world.block_on(world.stream().put(vec![record])).unwrap();
    world.take_turns();
    assert_eq!(world.texts(), ["a"]);
    // What the old process holds goes with it.
    let world = world.kill();
    assert_eq!(world.texts(), ["a", "a"]);
    let world = world.kill();
    assert_eq!(world.texts(), ["a", "a"]);
}

#[test]
fn batches_that_are_gathered_are_on_the_agenda() {
    let world = World::new(1);
    world.create(|mapping, _| mapping.batching_window = Duration::from_secs(30));
    world.put("key", "a");
    world.advance_to(2);
    let due = world.block_on(world.mappings.due(10));
    assert_eq!(due.len(), 1, "{due:?}");
    assert_eq!((due[0].at, due[0].what.as_str()), (START + Duration::from_secs(30), "batching window ends"));
    world.advance_to(30);
    assert_eq!((world.texts(), world.block_on(world.mappings.due(10))), (vec!["a".to_owned()], Vec::new()));
}

#[test]
fn waits_are_on_the_agenda() {
    let world = World::new(2);
    world.create(|_, _| {});
    world.behave(poison("bad"));
    world.put_at(Some(crate::world::LOW), &[("x", "bad")]);
    world.put_at(Some(crate::world::HIGH), &[("y", "good")]);
    world.advance_to(2);
    let due = world.block_on(world.mappings.due(10));
    assert_eq!(due.len(), 1, "{due:?}");
    assert_eq!((due[0].at, due[0].what.as_str()), (START + Duration::from_secs(3), "retry of a batch"));
    assert!(due[0].id.ends_with(" shardId-000000000000"), "{due:?}");
}

#[test]
fn records_that_expire_one_by_one_leave_the_others() {
    let world = World::new(1);
    world.put("key", "a");
    world.advance_to(3_600);
    world.put("key", "b");
    world.behave(|_| Does::Fails);
    world.create(|_, _| {});
    world.advance_to(86_400 + 1_800);
    assert_eq!(world.texts().last().unwrap(), "b");
    assert_eq!(world.calls().last().unwrap().text(), "b");
}
