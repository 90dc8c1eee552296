//! What destinations hear of records that were given up.

use std::time::Duration;

use serde_json::{Value, json};
use store::{Applied, CommitError};
use targets::TargetError;

use crate::world::{Does, World, arn, ok};

fn conditions(world: &World) -> Vec<(String, Value, Value)> {
    let tell = |(to, record): &(String, Value)| {
        let name = to.rsplit(':').next().unwrap().to_owned();
        (name, record["requestContext"]["condition"].clone(), record["KinesisBatchInfo"]["batchSize"].clone())
    };
    world.delivered().iter().map(tell).collect()
}

fn failing() -> World {
    let world = World::new(1);
    world.behave(|call| if call.has("a") { Does::Fails } else { ok() });
    world
}

#[test]
fn a_queue_gets_the_record() {
    let world = failing();
    world.create(|_, polling| {
        polling.maximum_retry_attempts = Some(1);
        polling.on_failure = Some(arn("sqs", "q"));
    });
    world.put_all(&["a", "b"]);
    world.advance_to(10);
    let delivered = world.delivered();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].0, arn("sqs", "q").to_string());
    let record = &delivered[0].1;
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["requestContext"]["functionArn"], arn("lambda", "function:f").to_string());
    assert_eq!(
        record["responseContext"],
        json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"})
    );
    let call = &world.calls()[0];
    let info = &record["KinesisBatchInfo"];
    assert_eq!(info["shardId"], "shardId-000000000000");
    assert_eq!(info["startSequenceNumber"], call.number_of("a"));
    assert_eq!(info["endSequenceNumber"], call.number_of("b"));
    assert_eq!(info["batchSize"], 2);
    assert_eq!(info["streamArn"], arn("kinesis", "stream/s").to_string());
    assert_eq!(record["timestamp"], "2027-01-15T08:00:01.000Z");
    assert_eq!(world.figure("OnFailureDestinationDeliveredEventCount"), 2.0);
    assert_eq!(world.figure("DroppedEventCount"), 0.0);
}

#[test]
fn a_topic_gets_the_record() {
    let world = failing();
    world.create(|_, polling| {
        polling.maximum_retry_attempts = Some(0);
        polling.on_failure = Some(arn("sns", "t"));
    });
    world.put("key", "a");
    assert_eq!(conditions(&world), [("t".to_owned(), json!("RetryAttemptsExhausted"), json!(1))]);
}

#[test]
fn what_is_too_old_has_no_response() {
    let world = failing();
    world.put("key", "a");
    world.advance_to(60);
    world.create(|_, polling| {
        polling.maximum_record_age = Some(Duration::from_secs(60));
        polling.on_failure = Some(arn("sqs", "q"));
    });
    let delivered = world.delivered();
    assert_eq!(conditions(&world), [("q".to_owned(), json!("RecordAgeExceeded"), json!(1))]);
    assert!(delivered[0].1.get("responseContext").is_none());
    assert_eq!(delivered[0].1["requestContext"]["approximateInvokeCount"], 1);
    assert!(world.texts().is_empty());
}

#[test]
fn a_destination_that_is_not_available_is_waited_for() {
    let mut world = failing();
    world.create(|_, polling| {
        polling.maximum_retry_attempts = Some(0);
        polling.on_failure = Some(arn("sqs", "q"));
    });
    *world.outside.refusal.lock().unwrap() = Some(TargetError::Unavailable("busy".to_owned()));
    world.put("key", "a");
    world.put("key", "b");
    world.advance_to(5);
    world = world.kill();
    assert_eq!(world.texts(), ["a"], "the lane waits, and does not try what was given up again");
    *world.outside.refusal.lock().unwrap() = None;
    world.advance_to(6);
    assert!(world.delivered().is_empty());
    world.advance_to(7);
    assert_eq!(world.delivered().len(), 1);
    assert_eq!(world.story(), ["0 a", "7 b"]);
    assert_eq!(world.figure("DroppedEventCount"), 0.0);
    world = world.kill();
    assert_eq!(world.story(), ["0 a", "7 b"]);
    assert_eq!(world.rows("delivered"), 1, "it is handed over once");
}

#[test]
fn what_was_handed_over_is_not_handed_over_again() {
    let world = failing();
    world.create(|_, polling| {
        polling.maximum_retry_attempts = Some(0);
        polling.on_failure = Some(arn("sqs", "q"));
    });
    world.put("key", "a");
    let world = world.kill();
    assert_eq!(world.texts(), ["a"]);
    assert_eq!(world.rows("delivered"), 1);
}

#[test]
fn a_destination_that_refuses_loses_the_record() {
    for error in [TargetError::Refused("no".to_owned()), TargetError::NotFound("it".to_owned())] {
        let world = failing();
        world.create(|_, polling| {
            polling.maximum_retry_attempts = Some(0);
            polling.on_failure = Some(arn("sqs", "q"));
        });
        *world.outside.refusal.lock().unwrap() = Some(error);
        world.put("key", "a");
        world.put("key", "b");
        assert_eq!(world.texts(), ["a", "b"]);
        assert_eq!(world.figure("DestinationDeliveryFailures"), 1.0);
        assert_eq!(world.figure("OnFailureDestinationDeliveredEventCount"), 0.0);
        assert_eq!(world.figure("DroppedEventCount"), 1.0);
    }
}

/// However the commit ends: the record is at the destination once, and the lane has gone on.
#[test]
fn the_checkpoint_and_the_record_are_one_commit() {
    for (error, applied) in [
        (CommitError::Unavailable("now".to_owned()), Applied::No),
        (CommitError::Unknown("lost".to_owned()), Applied::No),
        (CommitError::Unknown("lost".to_owned()), Applied::Yes),
    ] {
        let world = failing();
        world.create(|_, polling| {
            polling.maximum_retry_attempts = Some(0);
            polling.on_failure = Some(arn("sqs", "q"));
        });
        world.put("key", "good");
        let store = world.outside.store.clone();
        world.behave(move |call| {
            if call.has("a") {
                store.fail_next_commit(error.clone(), applied);
                return Does::Fails;
            }
            ok()
        });
        world.put("key", "a");
        // A store that fails is asked again in execution time.
        while world.rows("delivered") == 0 || world.texts().len() < 2 {
            world.block_on(clock::execution_sleep(Duration::from_millis(5)));
        }
        world.put("key", "b");
        assert_eq!(world.texts(), ["good", "a", "b"]);
        assert_eq!(world.rows("delivered"), 1);
    }
}

#[test]
fn a_record_too_large_for_an_event_is_given_up() {
    let world = World::new(1);
    world.create(|_, polling| polling.on_failure = Some(arn("sqs", "q")));
    world.put("key", &"x".repeat(4_800_000));
    world.advance_to(10);
    world.put("key", "b");
    assert_eq!(world.texts(), ["b"]);
    assert_eq!(conditions(&world), [("q".to_owned(), json!("PayloadSizeExceeded"), json!(1))]);
}
