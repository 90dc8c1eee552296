//! What a function said of a batch.
//!
//! Sources: AWS Lambda developer guide, "Configuring partial batch response with Kinesis Data Streams" and "Implementing
//! stateful Kinesis Data Streams processing"; responses recorded from AWS (an empty text or list is a success, too).
//! A response that is no object, or whose failures are not what is documented, cannot be understood, and fails the whole
//! batch: so does AWS for queues, and no record is lost by it.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::lane::Response;
use super::next_step::{Item, Outcome};
use crate::Ran;

/// A state of more than this ends its window.
pub(crate) const STATE_BYTES_MAX: usize = 1 << 20;
/// A larger state would not fit into the event that hands it back.
const STATE_BYTES_LEGAL: usize = (6 << 20) - 4_096;

/// What is read of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Only if the mapping has `ReportBatchItemFailures`.
    pub(crate) item_failures: bool,
    /// Only if it has a tumbling window.
    pub(crate) state: bool,
}

#[derive(Deserialize)]
struct WithState {
    state: Option<Box<RawValue>>,
}

/// How the invocation with `batch` ended, and the window's new state if it has one.
pub(crate) fn judge(ran: &Ran, reading: Reading, batch: &[Item]) -> (Outcome, Option<Box<RawValue>>) {
    let response = Response {
        request_id: ran.request_id.clone(),
        executed_version: ran.executed_version.clone(),
        is_error: ran.error.is_some(),
    };
    if ran.error.is_some() {
        return (Outcome::Failed(0, response), None);
    }
    let state = if reading.state { state(&ran.payload) } else { None };
    if reading.state && state.is_none() {
        return (Outcome::Failed(0, response), None);
    }
    let failed_from = if reading.item_failures { failed_from(&ran.payload, batch) } else { None };
    let outcome = failed_from.map_or(Outcome::Succeeded, |from| Outcome::Failed(from, response));
    (outcome, state)
}

fn state(payload: &[u8]) -> Option<Box<RawValue>> {
    let state = serde_json::from_slice::<WithState>(payload).ok()?.state?;
    (state.get().starts_with('{') && state.get().len() <= STATE_BYTES_LEGAL).then_some(state)
}

/// The first record that is not done; `None` when all are.
fn failed_from(payload: &[u8], batch: &[Item]) -> Option<usize> {
    if payload.trim_ascii().is_empty() {
        return None;
    }
    let failures = match serde_json::from_slice(payload) {
        Ok(Value::Null) => return None,
        Ok(Value::String(text)) if text.is_empty() => return None,
        Ok(Value::Array(items)) if items.is_empty() => return None,
        // As for queues: what has no `batchItemFailures` names no failure, whatever else it has.
        Ok(Value::Object(mut members)) => match members.remove("batchItemFailures") {
            None | Some(Value::Null) => return None,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Some(0),
        },
        _ => return Some(0),
    };
    let mut first = None;
    for failure in failures {
        let Some(index) = index(&failure, batch) else { return Some(0) };
        first = Some(first.map_or(index, |first: usize| first.min(index)));
    }
    first
}

fn index(failure: &Value, batch: &[Item]) -> Option<usize> {
    let number = failure.get("itemIdentifier")?.as_str()?.parse().ok()?;
    batch.binary_search_by_key(&number, |item| item.sequence_number).ok()
}

#[cfg(test)]
mod tests;
