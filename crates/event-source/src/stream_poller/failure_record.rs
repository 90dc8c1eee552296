//! What a destination gets of records that were given up. Source: AWS Lambda developer guide, "Retain discarded batch
//! records for a Kinesis Data Streams event source".

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use stream::ShardId;

use super::lane::{Extent, Response};
use super::next_step::Condition;

/// Records that were given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GivenUp {
    pub(crate) condition: Condition,
    pub(crate) extent: Extent,
    /// How often the function was run with them.
    pub(crate) failures: u32,
    /// The last time.
    pub(crate) response: Option<Response>,
}

/// Fields in AWS's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureRecord<'a> {
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext<'a>>,
    version: &'static str,
    timestamp: String,
    #[serde(rename = "KinesisBatchInfo")]
    batch_info: BatchInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo<'a> {
    shard_id: String,
    start_sequence_number: String,
    end_sequence_number: String,
    approximate_arrival_of_first_record: String,
    approximate_arrival_of_last_record: String,
    batch_size: usize,
    stream_arn: &'a str,
}

impl GivenUp {
    /// The record, as JSON. `request_id` is for records that no invocation was made for.
    pub(crate) fn record(
        &self,
        request_id: &str,
        function: &str,
        shard: ShardId,
        stream: &str,
        now: Timestamp,
    ) -> Result<String, serde_json::Error> {
        // Recorded from AWS: without a response when the records were too old, and a count of 1 even if they were so
        // before the first invocation.
        let response = self.response.as_ref();
        let said = response.filter(|_| self.condition == Condition::RetryAttemptsExhausted);
        serde_json::to_string(&FailureRecord {
            request_context: RequestContext {
                request_id: response.map_or(request_id, |response| &response.request_id),
                function_arn: function,
                condition: self.condition.name(),
                approximate_invoke_count: self.failures.max(1),
            },
            response_context: said.map(|response| ResponseContext {
                status_code: 200,
                executed_version: &response.executed_version,
                function_error: response.is_error.then_some("Unhandled"),
            }),
            version: "1.0",
            timestamp: now.iso8601_millis(),
            batch_info: BatchInfo {
                shard_id: shard.to_string(),
                start_sequence_number: self.extent.first.to_string(),
                end_sequence_number: self.extent.last.to_string(),
                approximate_arrival_of_first_record: self.extent.first_arrived.iso8601_millis(),
                approximate_arrival_of_last_record: self.extent.last_arrived.iso8601_millis(),
                batch_size: self.extent.records,
                stream_arn: stream,
            },
        })
    }
}

#[cfg(test)]
mod tests;
