//! `StartingPosition`: where a stream is read from.

use api_lambda::{CreateEventSourceMappingRequest, EventSourcePosition};
use clock::Timestamp;
use event_source::Start;
use wire::Error;

use super::Kind;
use crate::errors::{Failure, Outcome, invalid_parameter};

/// The position that a request names; none for a queue.
///
/// # Errors
/// In AWS's words.
pub(crate) fn read_start(
    input: &CreateEventSourceMappingRequest,
    kind: Kind,
    now: Timestamp,
) -> Outcome<Option<Start>> {
    let (position, timestamp) = (input.starting_position.as_ref(), input.starting_position_timestamp);
    if let Some(EventSourcePosition::Unknown(value)) = position {
        return Err(not_in_enumeration(value));
    }
    if kind == Kind::Queue {
        return match (position, timestamp) {
            (None, None) => Ok(None),
            _ => Err(invalid_parameter("StartingPosition is not valid for SQS event sources.")),
        };
    }
    let start = match (position, timestamp) {
        (None | Some(EventSourcePosition::Unknown(_)), _) => {
            // Unlike other constraints this one has the code of a parameter's value.
            return Err(invalid_parameter(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member \
                 must not be null.",
            ));
        }
        (Some(EventSourcePosition::AtTimestamp), Some(timestamp)) => at_timestamp(timestamp, now)?,
        (Some(EventSourcePosition::AtTimestamp), None) => {
            return Err(invalid_parameter("Need to specify a timestamp"));
        }
        (Some(_), Some(_)) => {
            return Err(invalid_parameter("Timestamp only valid with StartingPosition AT_TIMESTAMP"));
        }
        (Some(EventSourcePosition::TrimHorizon), None) => Start::TrimHorizon,
        (Some(EventSourcePosition::Latest), None) => Start::Latest,
    };
    Ok(Some(start))
}

/// The model's order of the values is another one than AWS's.
fn not_in_enumeration(value: &str) -> Failure {
    let text = format!(
        "1 validation error detected: Value '{value}' at 'startingPosition' failed to satisfy constraint: Member must \
         satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
    );
    Failure::Answer(Error::client("ValidationException", 400, text))
}

/// Lambda asks the stream, and says what it said.
fn at_timestamp(timestamp: Timestamp, now: Timestamp) -> Outcome<Start> {
    let refused = |what: String| {
        Err(invalid_parameter(format!("Received Exception while reading from provided stream. {what}")))
    };
    if timestamp.as_micros() < 0 {
        return refused("class java.lang.Long can not be converted to a Timestamp".to_owned());
    }
    if timestamp > now {
        return refused(format!(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: \
             {}, currentTimestampInMillis: {}",
            timestamp.as_millis(),
            now.as_millis()
        ));
    }
    Ok(Start::AtTimestamp(timestamp))
}
