use bytes::Bytes;
use serde_json::{Value, json};
use stream::SequenceNumber;

use super::*;
use crate::stream_poller::lane::Extent;

fn source() -> Arn {
    Arn::parse("arn:aws:kinesis:us-east-2:123456789012:stream/s").unwrap()
}

fn record(number: u128, data: &'static [u8]) -> Record {
    Record {
        sequence_number: SequenceNumber(number),
        partition_key: "a \"key\"\n".to_owned(),
        data: Bytes::from_static(data),
        arrived: Timestamp::from_millis(1_545_084_650_087),
    }
}

const ROLE: &str = "arn:aws:iam::123456789012:role/r";

#[test]
fn a_record_is_as_documented() {
    let source = source();
    let mut event = EventWriter::new(&source, ShardId(6), ROLE, 0);
    assert!(event.add(&record(7, b"Hello, this is a test.")));
    let event = event.finish(None, false);
    let number = SequenceNumber(7).to_string();
    let expected = json!({"Records": [{
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "a \"key\"\n",
            "sequenceNumber": number,
            "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
            "approximateArrivalTimestamp": 1_545_084_650.087,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000006:{number}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/s",
    }]});
    assert_eq!(serde_json::from_slice::<Value>(&event).unwrap(), expected);
    assert!(event.len() <= event_bytes(&record(7, b"Hello, this is a test.")) + ENVELOPE_BYTES_MAX);
}

#[test]
fn a_window_is_as_documented() {
    let source = source();
    let arrived = Timestamp::from_millis(0);
    let number = SequenceNumber(1);
    let window = Window {
        start: Timestamp::from_millis(1_607_497_440_000),
        end: Timestamp::from_millis(1_607_497_560_000),
        state: RawValue::from_string("{\"1\":282}".to_owned()).unwrap(),
        aggregated: Extent {
            first: number,
            last: number,
            first_arrived: arrived,
            last_arrived: arrived,
            records: 1,
        },
        is_terminated_early: false,
        closing: None,
    };
    let event = EventWriter::new(&source, ShardId(6), ROLE, 9).finish(Some(&window), true);
    let expected = json!({
        "Records": [],
        "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
        "state": {"1": 282},
        "shardId": "shardId-000000000006",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/s",
        "isFinalInvokeForWindow": true,
        "isWindowTerminatedEarly": false,
    });
    assert_eq!(serde_json::from_slice::<Value>(&event).unwrap(), expected);
}

#[test]
fn an_event_has_at_most_6_mb() {
    let source = source();
    let data = Bytes::from(vec![b'x'; 1 << 20]);
    let mut event = EventWriter::new(&source, ShardId(0), ROLE, 1 << 20);
    let large = |number| Record { data: data.clone(), ..record(number, b"") };
    let added = (1..10).take_while(|number| event.add(&large(*number))).count();
    assert_eq!(added, 3);
    let event = event.finish(None, false);
    assert!(event.len() + (1 << 20) < EVENT_BYTES_MAX);
    assert_eq!(serde_json::from_slice::<Value>(&event).unwrap()["Records"].as_array().unwrap().len(), 3);
}
