use proptest::prelude::*;
use serde_json::json;

use super::*;

fn filter(patterns: &[&str]) -> Filter {
    Filter::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn metadata() -> Map<String, Value> {
    let record = json!({
        "messageId": "m1",
        "attributes": {"ApproximateReceiveCount": "1", "SenderId": "AIDA"},
        "messageAttributes": {"Author": {"stringValue": "x", "dataType": "String"}},
        "partitionKey": "key",
    });
    let Value::Object(record) = record else { unreachable!() };
    record
}

fn wants(pattern: &str, body: &str) -> bool {
    filter(&[pattern]).wants_message(body, metadata)
}

/// The table of "Properly filtering Amazon SQS messages".
#[test]
fn a_message_must_be_of_the_form_that_the_filter_expects() {
    for (pattern, body, wanted) in [
        (r#"{"body":["plain"]}"#, "plain", true),
        (r#"{"body":["plain"]}"#, "other", false),
        (r#"{"body":[{"prefix":"pl"}]}"#, "plain", true),
        (r#"{"body":{"a":["x"]}}"#, "plain", false),
        (r#"{"body":["plain"]}"#, r#"{"a":"x"}"#, false),
        (r#"{"body":[{"prefix":"{"}]}"#, r#"{"a":"x"}"#, false),
        (r#"{"body":{"a":["x"]}}"#, r#"{"a":"x"}"#, true),
        (r#"{"body":{"a":["x"]}}"#, r#"{"a":"y"}"#, false),
        (r#"{"messageId":["m1"]}"#, "plain", true),
        (r#"{"messageId":["m1"]}"#, r#"{"a":"x"}"#, true),
        (r#"{"messageId":["m2"]}"#, "plain", false),
        // A number or a quoted text alone is no JSON document.
        (r#"{"body":["300"]}"#, "300", true),
        (r#"{"body":{"a":["x"]}}"#, "300", false),
        (r#"{"body":{"a":["x"]}}"#, r#"[{"a":"y"},{"a":"x"}]"#, true),
    ] {
        assert_eq!(wants(pattern, body), wanted, "{pattern} {body}");
    }
}

/// The examples of the developer guide.
#[test]
fn the_rules_of_patterns_hold() {
    let body =
        r#"{"RecordNumber":1234,"RequestCode":"AAAA","City":"Seattle","Price":300,"Empty":"","None":null}"#;
    for (rule, wanted) in [
        (r#"{"RequestCode":["AAAA"]}"#, true),
        (r#"{"RequestCode":["BBBB"]}"#, false),
        (r#"{"RequestCode":["BBBB","AAAA"]}"#, true),
        (r#"{"RequestCode":["AAAA"],"City":["Paris"]}"#, false),
        (r#"{"RecordNumber":[{"numeric":[">",9999]}]}"#, false),
        (r#"{"RecordNumber":[{"numeric":[">",1000,"<=",1234]}]}"#, true),
        (r#"{"City":[{"prefix":"Sea"}]}"#, true),
        (r#"{"City":[{"suffix":"tle"}]}"#, true),
        (r#"{"City":[{"equals-ignore-case":"SEATTLE"}]}"#, true),
        (r#"{"City":["seattle"]}"#, false),
        (r#"{"City":[{"anything-but":["Paris"]}]}"#, true),
        (r#"{"City":[{"anything-but":["Seattle"]}]}"#, false),
        (r#"{"Street":[{"exists":false}]}"#, true),
        (r#"{"City":[{"exists":false}]}"#, false),
        (r#"{"Empty":[""]}"#, true),
        (r#"{"None":[null]}"#, true),
        (r#"{"$or":[{"City":["Paris"]},{"RequestCode":["AAAA"]}]}"#, true),
    ] {
        assert_eq!(wants(&format!(r#"{{"body":{rule}}}"#), body), wanted, "{rule}");
    }
}

#[test]
fn metadata_and_content_must_both_match_and_filters_are_alternatives() {
    let both = r#"{"attributes":{"SenderId":["AIDA"]},"body":{"a":["x"]}}"#;
    assert!(wants(both, r#"{"a":"x"}"#));
    assert!(!wants(r#"{"attributes":{"SenderId":["AROA"]},"body":{"a":["x"]}}"#, r#"{"a":"x"}"#));
    assert!(wants(r#"{"messageAttributes":{"Author":{"stringValue":["x"]}}}"#, "plain"));
    let either = filter(&[r#"{"body":{"a":["x"]}}"#, r#"{"body":["plain"]}"#]);
    assert!(either.wants_message("plain", metadata) && either.wants_message(r#"{"a":"x"}"#, metadata));
    assert!(!either.wants_message("other", metadata));
    let branches = filter(&[r#"{"$or":[{"body":{"a":["x"]}},{"messageId":["m1"]}]}"#]);
    assert!(branches.wants_message(r#"{"a":"y"}"#, metadata));
    assert!(filter(&[]).wants_message("plain", || unreachable!()));
}

#[test]
fn a_record_must_be_json_where_its_data_is_asked_for() {
    let wants = |pattern: &str, data: &[u8]| filter(&[pattern]).wants_record(data, metadata);
    assert!(wants(r#"{"data":{"a":["x"]}}"#, br#"{"a":"x"}"#));
    assert!(!wants(r#"{"data":{"a":["x"]}}"#, br#"{"a":"y"}"#));
    assert!(!wants(r#"{"data":{"a":["x"]}}"#, b"plain"));
    assert!(!wants(r#"{"data":{"a":["x"]}}"#, &[0xff, 0]));
    assert!(wants(r#"{"partitionKey":["key"]}"#, &[0xff, 0]));
    assert!(wants(r#"{"partitionKey":["key"],"data":{"a":[{"exists":true}]}}"#, br#"{"a":1}"#));
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in ["", "[]", "{", r#"{"body":"x"}"#, r#"{"body":{}}"#, "null"] {
        assert!(Filter::new(&[text.to_owned()]).is_err(), "{text}");
    }
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c$.]{0,4}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("body".to_owned()),
        Just("data".to_owned()),
        Just("$or".to_owned()),
        Just("prefix".to_owned()),
        Just("exists".to_owned()),
        Just("anything-but".to_owned()),
        "[a-c.]{0,3}",
    ];
    let tree = leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    tree.prop_map(|value| value.to_string())
}

#[test]
fn nothing_is_looked_at_that_no_pattern_names() {
    let unneeded = || unreachable!("no pattern names any of it");
    for (pattern, is_wanted) in [
        (r#"{"body":{"a":[1]}}"#, true),
        (r#"{"$or":[{"body":{"a":[2]}},{"body":{"b":[{"exists":false}]}}]}"#, true),
        (r#"{"body":{"a":[3]}}"#, false),
    ] {
        let filter = Filter::new(&[pattern.to_owned()]).unwrap();
        assert_eq!(filter.wants_message(r#"{"a":1}"#, unneeded), is_wanted, "{pattern}");
    }
    assert!(wants(r#"{"$or":[{"body":{"a":[2]}},{"messageId":["m1"]}]}"#, r#"{"a":1}"#));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic(pattern in json_text(), body in json_text(), bytes in any::<Vec<u8>>()) {
        if let Ok(filter) = Filter::new(&[pattern]) {
            filter.wants_message(&body, metadata);
            filter.wants_message(&String::from_utf8_lossy(&bytes), metadata);
            filter.wants_record(body.as_bytes(), metadata);
            filter.wants_record(&bytes, metadata);
        }
    }

    /// What is wanted by one filter is wanted whatever the others are.
    #[test]
    fn more_filters_want_more(first in json_text(), second in json_text(), body in json_text()) {
        if let (Ok(one), Ok(two)) = (Filter::new(std::slice::from_ref(&first)), Filter::new(&[first, second])) {
            prop_assert!(!one.wants_message(&body, metadata) || two.wants_message(&body, metadata));
        }
    }
}
