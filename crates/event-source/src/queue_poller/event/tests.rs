use clock::Timestamp;
use queue::Receipt;

use super::*;

pub(crate) fn message(body: &str) -> Message {
    Message {
        id: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
        body: body.to_owned(),
        attributes: Attributes::new(),
        sender_id: "AIDAIENQZJOLO23YVJ4VO".to_owned(),
        sent: Timestamp::from_millis(1_545_082_649_183),
        first_received: Timestamp::from_millis(1_545_082_649_185),
        receive_count: 1,
        sequence_number: None,
        group_id: None,
        deduplication_id: None,
        trace_header: None,
        dead_letter_source: None,
        receipt: Receipt("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned()),
    }
}

pub(crate) fn origin() -> Origin {
    Origin::new(&Arn::parse("arn:aws:sqs:us-east-2:123456789012:my-queue").unwrap())
}

fn event(messages: &[Message]) -> String {
    let mut event = Event::new();
    assert!(messages.iter().all(|message| event.add(message, &origin())));
    String::from_utf8(event.finish().to_vec()).unwrap()
}

/// The example of the developer guide.
#[test]
fn an_event_reads_as_aws_writes_it() {
    let expected = concat!(
        r#"{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","#,
        r#""receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a","body":"test","#,
        r#""attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","#,
        r#""SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"#,
        r#""messageAttributes":{},"md5OfBody":"098f6bcd4621d373cade4e832627b4f6","eventSource":"aws:sqs","#,
        r#""eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}]}"#,
    );
    assert_eq!(event(&[message("test")]), expected);
}

#[test]
fn attributes_of_all_kinds_are_told() {
    let attribute = |data_type: &str, value| MessageAttribute { data_type: data_type.to_owned(), value };
    let told = Message {
        attributes: Attributes::from([
            ("Author".to_owned(), attribute("String", AttributeValue::String("x".to_owned()))),
            ("Blob".to_owned(), attribute("Binary", AttributeValue::Binary(vec![0, 255]))),
        ]),
        sequence_number: Some(7),
        group_id: Some("g".to_owned()),
        deduplication_id: Some("d".to_owned()),
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        dead_letter_source: Some("arn:aws:sqs:us-east-2:123456789012:source".to_owned()),
        ..message("test")
    };
    let text = event(&[told]);
    for part in [
        r#""attributes":{"ApproximateReceiveCount":"1","AWSTraceHeader":"Root=1-5759e988-bd862e3fe1be46a994272793","SentTimestamp":"1545082649183","SequenceNumber":"00000000000000000007","MessageGroupId":"g","SenderId":"AIDAIENQZJOLO23YVJ4VO","MessageDeduplicationId":"d","ApproximateFirstReceiveTimestamp":"1545082649185","DeadLetterQueueSourceArn":"arn:aws:sqs:us-east-2:123456789012:source"}"#,
        r#""Author":{"stringValue":"x","stringListValues":[],"binaryListValues":[],"dataType":"String"}"#,
        r#""Blob":{"binaryValue":"AP8=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}"#,
        r#""md5OfMessageAttributes":""#,
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn an_event_never_grows_beyond_its_limit() {
    let one = event(&[message("x")]).len();
    let mut limited = Event::of_at_most(one + 10);
    assert!(limited.add(&message("x"), &origin()));
    assert!(!limited.add(&message("x"), &origin()));
    assert_eq!(limited.finish().len(), one);
    // The first one goes whatever its size.
    assert!(Event::of_at_most(10).add(&message("x"), &origin()));
    let mut full = Event::new();
    let large = message(&"\n".repeat(1 << 20));
    let added = (0..10).take_while(|_| full.add(&large, &origin())).count();
    assert_eq!(added, 2);
    assert!(full.finish().len() <= EVENT_BYTES_MAX);
}

#[test]
fn a_filter_sees_the_record() {
    let metadata = origin().metadata(&message("test"));
    assert_eq!(metadata["attributes"]["SenderId"], "AIDAIENQZJOLO23YVJ4VO");
    assert_eq!(metadata["md5OfBody"], "098f6bcd4621d373cade4e832627b4f6");
    assert_eq!(metadata["eventSource"], "aws:sqs");
}
