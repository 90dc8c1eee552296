use clock::Timestamp;
use ids::RequestId;

use super::*;
use crate::Event;

fn failed() -> (Stored, Ending) {
    let accepted = Timestamp::from_millis(1_573_755_300_000);
    let mut stored = Stored::new(Event {
        id: RequestId::parse("e4b46cbf-b738-4f5b-8f3c-3c9f5a6b7c8d").unwrap(),
        function: FunctionArn::parse("arn:aws:lambda:eu-central-1:000000000000:function:f").unwrap(),
        payload: Bytes::from_static(b" {\"b\": 1,\n\"a\": 1.50} "),
        trace_header: None,
        accepted,
        failures: 3,
    });
    stored.response = Some(Response {
        executed_version: "$LATEST".to_owned(),
        error: Some(("Error".to_owned(), "no \u{1} way".to_owned())),
        payload: Bytes::from_static(br#"{"errorMessage":"no","errorType":"Error"}"#),
    });
    let ending = Ending {
        condition: Condition::RetriesExhausted,
        at: Timestamp::from_millis(1_573_755_365_568),
        invoke_count: 3,
        receivers: Vec::new(),
        tries: 0,
    };
    (stored, ending)
}

fn attributes(stored: &Stored, ending: &Ending) -> Vec<(String, String, String)> {
    let text = |value| match value {
        AttributeValue::String(text) => text,
        AttributeValue::Binary(_) => panic!("text"),
    };
    dead_letter_attributes(stored, ending)
        .into_iter()
        .map(|(name, attribute)| (name, attribute.data_type, text(attribute.value)))
        .collect()
}

#[test]
fn a_failures_record_reads_as_aws_writes_it() {
    let (stored, ending) = failed();
    let expected = concat!(
        r#"{"version":"1.0","timestamp":"2019-11-14T18:16:05.568Z","#,
        r#""requestContext":{"requestId":"e4b46cbf-b738-4f5b-8f3c-3c9f5a6b7c8d","#,
        r#""functionArn":"arn:aws:lambda:eu-central-1:000000000000:function:f:$LATEST","#,
        r#""condition":"RetriesExhausted","approximateInvokeCount":3},"#,
        "\"requestPayload\":{\"b\": 1,\n\"a\": 1.50},",
        r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#,
        r#""responsePayload":{"errorMessage":"no","errorType":"Error"}}"#
    );
    assert_eq!(record(&stored, &ending).unwrap(), expected);
}

#[test]
fn a_record_of_what_never_ran_has_no_response() {
    let (mut stored, mut ending) = failed();
    (stored.response, ending.invoke_count, ending.condition) = (None, 0, Condition::ZeroReservedConcurrency);
    let record = record(&stored, &ending).unwrap();
    assert!(
        record.contains(r#""condition":"ZeroReservedConcurrency","approximateInvokeCount":0}"#),
        "{record}"
    );
    assert!(!record.contains("response"), "{record}");
}

#[test]
fn a_successs_record_carries_any_response() {
    let (mut stored, mut ending) = failed();
    ending.condition = Condition::Success;
    for (response, expected) in
        [("\"text\"", "\"text\""), ("", "null"), ("null", "null"), ("no JSON", "\"no JSON\"")]
    {
        stored.response = Some(Response {
            executed_version: "7".to_owned(),
            error: None,
            payload: Bytes::from_static(response.as_bytes()),
        });
        let record = record(&stored, &ending).unwrap();
        let end = format!(
            r#""responseContext":{{"statusCode":200,"executedVersion":"7"}},"responsePayload":{expected}}}"#
        );
        assert!(record.ends_with(&end), "{record}");
    }
}

#[test]
fn a_dead_letter_says_why() {
    let (mut stored, mut ending) = failed();
    let id = stored.event.id.to_string();
    let attribute =
        |name: &str, kind: &str, value: &str| (name.to_owned(), kind.to_owned(), value.to_owned());
    let expected = [
        attribute("ErrorCode", "Number", "200"),
        // A queue would refuse the control character.
        attribute("ErrorMessage", "String", "no \u{fffd} way"),
        attribute("RequestID", "String", &id),
    ];
    assert_eq!(attributes(&stored, &ending), expected);

    stored.response = None;
    for (condition, deferrals, code) in [
        (Condition::ZeroReservedConcurrency, 0, "429"),
        (Condition::EventAgeExceeded, 0, "429"),
        (Condition::EventAgeExceeded, 1, "500"),
        (Condition::RecursiveInvocation, 0, "400"),
    ] {
        (ending.condition, stored.deferrals) = (condition, deferrals);
        assert_eq!(attributes(&stored, &ending)[0], attribute("ErrorCode", "Number", code));
    }
}

#[test]
fn an_error_without_a_message_has_no_attribute_for_it() {
    let (mut stored, ending) = failed();
    stored.response.as_mut().unwrap().error = Some(("Error".to_owned(), String::new()));
    let names: Vec<_> = attributes(&stored, &ending).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["ErrorCode", "RequestID"]);
}
