use serde_json::{Value, json};
use stream::SequenceNumber;

use super::*;

fn given_up(condition: Condition) -> GivenUp {
    GivenUp {
        condition,
        extent: Extent {
            first: SequenceNumber(1),
            last: SequenceNumber(9),
            first_arrived: Timestamp::from_millis(1_573_691_884_835),
            last_arrived: Timestamp::from_millis(1_573_691_885_036),
            records: 5,
        },
        failures: 2,
        response: Some(Response {
            request_id: "c9b8fa9f".to_owned(),
            executed_version: "$LATEST".to_owned(),
            is_error: true,
        }),
    }
}

fn record(given_up: &GivenUp) -> Value {
    let function = "arn:aws:lambda:us-east-2:123456789012:function:f";
    let stream = "arn:aws:kinesis:us-east-2:123456789012:stream/s";
    let now = Timestamp::from_millis(1_573_691_886_021);
    serde_json::from_str(&given_up.record("other", function, ShardId(1), stream, now).unwrap()).unwrap()
}

fn batch_info() -> Value {
    json!({
        "shardId": "shardId-000000000001",
        "startSequenceNumber": SequenceNumber(1).to_string(),
        "endSequenceNumber": SequenceNumber(9).to_string(),
        "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
        "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.036Z",
        "batchSize": 5,
        "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/s",
    })
}

#[test]
fn a_batch_that_was_tried_too_often() {
    let expected = json!({
        "requestContext": {
            "requestId": "c9b8fa9f",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": batch_info(),
    });
    assert_eq!(record(&given_up(Condition::RetryAttemptsExhausted)), expected);
}

#[test]
fn records_that_were_too_old_before_they_were_tried() {
    let given_up = GivenUp { failures: 0, response: None, ..given_up(Condition::RecordAgeExceeded) };
    let expected = json!({
        "requestContext": {
            "requestId": "other",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f",
            "condition": "RecordAgeExceeded",
            "approximateInvokeCount": 1,
        },
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": batch_info(),
    });
    assert_eq!(record(&given_up), expected);
}
