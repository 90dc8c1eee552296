//! SNS through its typed trait, over a store in memory, a clock that is told the time, and targets that take notes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod delivery;
mod endpoint;
mod failures;
mod fifo;
mod filters;
mod http;
mod large;
mod outbox;
mod publishing;
mod signatures;
mod subscriptions;
mod targets_of_others;
mod topics;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use api_sns::*;
use serde_json::{Value, json};
use wire::Error;

use crate::world::{World, map};

#[track_caller]
fn refused<T>(answer: Result<T, Error>, code: &str, message: &str) {
    let error = answer.err().expect("an error");
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
