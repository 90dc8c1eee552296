//! The event that a function gets.
//!
//! Sources: AWS Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data Streams" and
//! "Implementing stateful Kinesis Data Streams processing".

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clock::Timestamp;
use ids::Arn;
use serde::Serialize;
use serde_json::value::RawValue;
use stream::{Record, ShardId};

use super::lane::Window;
use crate::functions::EVENT_BYTES_MAX;

/// What surrounds the records of an event, without a window's state.
const ENVELOPE_BYTES_MAX: usize = 1_024;

/// The records of an event, written one by one.
#[derive(Debug)]
pub(crate) struct EventWriter<'a> {
    source: &'a Arn,
    shard: ShardId,
    /// What each record ends with, up to its number, and from there on.
    endings: [String; 2],
    text: String,
    records: usize,
    room: usize,
}

/// What a window adds to an event, in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WindowMembers<'a> {
    window: Bounds,
    state: &'a RawValue,
    shard_id: String,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
    is_final_invoke_for_window: bool,
    is_window_terminated_early: bool,
}

#[derive(Serialize)]
struct Bounds {
    start: String,
    end: String,
}

/// About how much room a record takes in an event.
pub(crate) fn event_bytes(record: &Record) -> usize {
    record.data.len().div_ceil(3) * 4 + record.partition_key.len() + 512
}

impl<'a> EventWriter<'a> {
    /// An event with `state_bytes` of state. `role` is the `invokeIdentityArn`.
    pub(crate) fn new(source: &'a Arn, shard: ShardId, role: &str, state_bytes: usize) -> Self {
        let room = EVENT_BYTES_MAX.saturating_sub(ENVELOPE_BYTES_MAX + state_bytes);
        let endings = [
            format!("}},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\"{shard}:"),
            format!(
                "\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":{},\"awsRegion\":\"{}\",\
                 \"eventSourceARN\":\"{source}\"}}",
                quoted(role),
                source.region,
            ),
        ];
        Self { source, shard, endings, text: "{\"Records\":[".to_owned(), records: 0, room }
    }

    /// Adds a record; `false` when there is no room for it.
    pub(crate) fn add(&mut self, record: &Record) -> bool {
        let before = self.text.len();
        if self.records > 0 {
            self.text.push(',');
        }
        self.write(record);
        if self.text.len() > self.room {
            self.text.truncate(before);
            return false;
        }
        self.records += 1;
        true
    }

    fn write(&mut self, record: &Record) {
        let Self { endings: [before, after], text, .. } = self;
        let number = record.sequence_number.to_string();
        text.push_str("{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":");
        text.push_str(&quoted(&record.partition_key));
        for part in [",\"sequenceNumber\":\"", &number, "\",\"data\":\""] {
            text.push_str(part);
        }
        STANDARD.encode_string(&record.data, text);
        text.push_str("\",\"approximateArrivalTimestamp\":");
        write_seconds(text, record.arrived);
        for part in [before, &number, after] {
            text.push_str(part);
        }
    }

    /// The whole event. `is_final`: nothing more comes for this window.
    pub(crate) fn finish(mut self, window: Option<&Window>, is_final: bool) -> Bytes {
        self.text.push(']');
        if let Some(window) = window {
            let members = WindowMembers {
                window: Bounds { start: window.start.iso8601_seconds(), end: window.end.iso8601_seconds() },
                state: &window.state,
                shard_id: self.shard.to_string(),
                event_source_arn: self.source.to_string(),
                is_final_invoke_for_window: is_final,
                is_window_terminated_early: window.is_terminated_early,
            };
            // Nothing in it can fail to be JSON.
            if let Ok(members) = serde_json::to_string(&members) {
                self.text.push(',');
                self.text.push_str(&members[1..members.len() - 1]);
            }
        }
        self.text.push('}');
        self.text.into()
    }
}

fn quoted(text: &str) -> String {
    // A text always becomes JSON.
    serde_json::to_string(text).unwrap_or_default()
}

/// Seconds with milliseconds.
fn write_seconds(text: &mut String, at: Timestamp) {
    let millis = at.as_millis();
    let _ = write!(text, "{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000));
}

#[cfg(test)]
mod tests;
