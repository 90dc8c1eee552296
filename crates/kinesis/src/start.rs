//! Where a reader wants to begin, as iterators and subscriptions say it.

use api_kinesis::ShardIteratorType;
use clock::Timestamp;
use stream::{Position, SequenceNumber, Shard};
use wire::Error;

use crate::directory::OpenStream;
use crate::errors::invalid;
use crate::service::Inner;

/// What a request says of it.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) kind: ShardIteratorType,
    pub(crate) sequence_number: Option<String>,
    pub(crate) timestamp: Option<Timestamp>,
    /// For messages.
    pub(crate) operation: &'static str,
}

/// The position that is meant. `Latest` and `AtTimestamp` are still to be resolved.
pub(crate) fn position(
    inner: &Inner,
    open: &OpenStream,
    shard: &Shard,
    start: &Start,
) -> Result<Position, Error> {
    match (&start.kind, &start.sequence_number) {
        (ShardIteratorType::AtSequenceNumber, Some(text)) => {
            sequence_number(open, shard, start, text).map(Position::At)
        }
        (ShardIteratorType::AfterSequenceNumber, Some(text)) => {
            sequence_number(open, shard, start, text).map(Position::After)
        }
        (ShardIteratorType::TrimHorizon, None) => Ok(Position::TrimHorizon),
        (ShardIteratorType::Latest, None) => Ok(Position::Latest),
        (ShardIteratorType::AtTimestamp, None) => timestamp(inner, start).map(Position::AtTimestamp),
        (kind, number) => Err(invalid(format!(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {} and {} StartingSequenceNumber.",
            kind.as_str(),
            if number.is_some() { "also a" } else { "no" }
        ))),
    }
}

fn sequence_number(
    open: &OpenStream,
    shard: &Shard,
    start: &Start,
    text: &str,
) -> Result<SequenceNumber, Error> {
    let is_wrong = |why: &str| {
        invalid(format!(
            "StartingSequenceNumber {text} used in {} on shard {} in stream {} under account {} is invalid{why}.",
            start.operation, shard.id, open.key.name, open.key.account
        ))
    };
    let number: SequenceNumber = text.parse().map_err(|_| is_wrong(""))?;
    if number.shard() != shard.id {
        return Err(invalid(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard with {}",
            number.shard(),
            shard.id
        )));
    }
    let is_too_late = shard.closed.is_some_and(|(last, _)| number > last);
    if number < shard.starting || is_too_late {
        return Err(is_wrong(" because it did not come from this stream"));
    }
    Ok(number)
}

fn timestamp(inner: &Inner, start: &Start) -> Result<Timestamp, Error> {
    let at = start.timestamp.ok_or_else(|| {
        invalid(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp \
             parameter.",
        )
    })?;
    let now = inner.clock.now();
    // Clients send whole milliseconds, and may round up what we have just told them.
    if at.as_millis() > now.as_millis() + 1 {
        return Err(invalid(format!(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: {}, \
             currentTimestampInMillis: {}",
            at.as_millis(),
            now.as_millis()
        )));
    }
    Ok(at)
}
