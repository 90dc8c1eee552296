//! What becomes of a batch of records: pure, so that a table of cases is its test.
//!
//! Sources: AWS Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source" and
//! "Configuring partial batch response with Kinesis Data Streams"; API reference, `CreateEventSourceMapping`.
//!
//! Left open there, and decided here:
//! - A retry waits a second, and twice as long each further time, up to a minute. The same goes for a batch that could not
//!   be run, which uses up no retry.
//! - Splitting is no retry: the parts begin without a failure of their own, and the first is tried at once. That goes for
//!   halves as well as for what is left of a batch of which a part succeeded.
//! - A batch whose first record is named by a partial response is like one that failed as a whole.

use std::time::Duration;

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use stream::SequenceNumber;

use super::lane::{Extent, Piece, Response, Tries};

/// The wait before the first retry; each further one is twice as long.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest wait.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// What the mapping says of failures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bisects: bool,
    pub(crate) maximum_retry_attempts: Option<u32>,
    pub(crate) maximum_record_age: Option<Duration>,
}

/// A record of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) sequence_number: SequenceNumber,
    pub(crate) arrived: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All records are done.
    Succeeded,
    /// The records from this one on are not: 0 for none.
    Failed(usize, Response),
    /// The function was not run.
    TurnedAway,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Nothing of the batch is left.
    Done,
    /// So many records are done; the others are tried again in these pieces.
    Again(usize, Vec<Piece>),
    /// All records are given up; that was tried.
    GivenUp(Condition, Tries),
}

/// Why records are given up, with AWS's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
    /// The record alone makes an event of more than 6 MB, which cannot be handed to any function.
    PayloadSizeExceeded,
}

impl Condition {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
            Self::PayloadSizeExceeded => "PayloadSizeExceeded",
        }
    }
}

/// How many records at the beginning of a batch are too old to be tried, or tried again.
pub(crate) fn too_old(limits: &Limits, batch: &[Item], now: Timestamp) -> usize {
    let Some(age) = limits.maximum_record_age else { return 0 };
    batch.iter().take_while(|item| now >= item.arrived + age).count()
}

/// What follows an attempt with `batch`, of which `tries` were made before. There is at least one record.
pub(crate) fn next_step(
    limits: &Limits,
    tries: &Tries,
    batch: &[Item],
    outcome: Outcome,
    now: Timestamp,
) -> NextStep {
    let (failed_from, response) = match outcome {
        Outcome::Succeeded => return NextStep::Done,
        Outcome::TurnedAway => return NextStep::Again(0, vec![piece(batch, turned_away(tries, now))]),
        Outcome::Failed(from, response) => (from.min(batch.len().saturating_sub(1)), response),
    };
    let rest = &batch[failed_from..];
    if failed_from > 0 {
        return NextStep::Again(failed_from, vec![piece(rest, Tries::default())]);
    }
    if limits.bisects && rest.len() > 1 {
        let (first, second) = rest.split_at(rest.len().div_ceil(2));
        let halves = [first, second].map(|half| piece(half, Tries::default()));
        return NextStep::Again(0, halves.into());
    }
    match failed(limits, tries.failures, response, now) {
        Ok(tries) => NextStep::Again(0, vec![piece(rest, tries)]),
        Err(tries) => NextStep::GivenUp(Condition::RetryAttemptsExhausted, tries),
    }
}

/// What was tried after another failure, with when to try again; as an error when that was the last time.
pub(crate) fn failed(
    limits: &Limits,
    before: u32,
    response: Response,
    now: Timestamp,
) -> Result<Tries, Tries> {
    let failures = before.saturating_add(1);
    let tries = Tries { failures, turned_away: 0, due: None, response: Some(response) };
    if limits.maximum_retry_attempts.is_some_and(|retries| failures > retries) {
        return Err(tries);
    }
    Ok(Tries { due: Some(now + wait(failures)), ..tries })
}

/// What was tried after the function could not be run.
pub(crate) fn turned_away(tries: &Tries, now: Timestamp) -> Tries {
    let turned_away = tries.turned_away.saturating_add(1);
    Tries { turned_away, due: Some(now + wait(turned_away)), ..tries.clone() }
}

/// When there is something to do about a piece: its retry, or earlier the end of its youngest record's age.
pub(crate) fn wake_at(limits: &Limits, piece: &Piece) -> Option<Timestamp> {
    let too_old = limits.maximum_record_age.map(|age| piece.last_arrived + age);
    piece.tries.due.map(|due| too_old.map_or(due, |too_old| due.min(too_old)))
}

/// The wait after so many failures in a row.
pub(crate) fn wait(failures: u32) -> Duration {
    RETRY_MIN.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(RETRY_MAX)
}

/// These records, to be tried again.
pub(crate) fn piece(batch: &[Item], tries: Tries) -> Piece {
    let last = batch[batch.len() - 1];
    Piece { last: last.sequence_number, last_arrived: last.arrived, records: batch.len(), tries }
}

/// These records.
pub(crate) fn extent(batch: &[Item]) -> Option<Extent> {
    let (first, last) = (batch.first()?, batch.last()?);
    Some(Extent {
        first: first.sequence_number,
        last: last.sequence_number,
        first_arrived: first.arrived,
        last_arrived: last.arrived,
        records: batch.len(),
    })
}

#[cfg(test)]
mod tests;
