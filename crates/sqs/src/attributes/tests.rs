use ids::{AccountId, Region};

use super::*;

fn key(name: &str) -> QueueKey {
    QueueKey {
        account: AccountId::parse("000000000000").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        name: name.to_owned(),
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn refused(name: &str, attribute: &str, value: &str, code: &str, message: &str) {
    let error = checked(&key(name), attribute, value).expect_err("an error");
    assert_eq!((error.code(), error.message().unwrap_or_default()), (code, message));
}

#[test]
fn numbers_have_ranges() {
    for (name, least, greatest) in [
        ("DelaySeconds", 0, 900),
        ("MaximumMessageSize", 1_024, 1_048_576),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
        ("VisibilityTimeout", 0, 43_200),
        ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ] {
        for value in [least, greatest] {
            assert_eq!(
                checked(&key("q"), name, &value.to_string()).unwrap(),
                Some(value.to_string()),
                "{name}"
            );
        }
        let message = format!("Invalid value for the parameter {name}.");
        for value in [(least - 1).to_string(), (greatest + 1).to_string(), "1.5".to_owned(), String::new()] {
            refused("q", name, &value, "InvalidAttributeValue", &message);
        }
    }
}

#[test]
fn what_is_unknown_read_only_or_of_fifo_queues_is_refused() {
    for name in
        ["Colour", "QueueArn", "ApproximateNumberOfMessages", "All", "FifoQueue", "DeduplicationScope"]
    {
        refused("q", name, "true", "InvalidAttributeName", &format!("Unknown Attribute {name}."));
    }
    assert_eq!(checked(&key("q.fifo"), "DeduplicationScope", "queue").unwrap(), Some("queue".to_owned()));
    let message = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.";
    refused("q.fifo", "FifoQueue", "false", "InvalidAttributeValue", message);
}

#[test]
fn a_redrive_policy_is_shown_in_one_form() {
    let arn = "arn:aws:sqs:eu-central-1:000000000000:dlq";
    let shown = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#);
    for text in [
        format!(r#"{{"maxReceiveCount": 3, "deadLetterTargetArn": "{arn}"}}"#),
        format!(r#"{{"maxReceiveCount": "3", "deadLetterTargetArn": "{arn}"}}"#),
    ] {
        assert_eq!(checked(&key("q"), "RedrivePolicy", &text).unwrap().as_ref(), Some(&shown));
    }
    assert_eq!(checked(&key("q"), "RedrivePolicy", "").unwrap(), None);
}

#[test]
fn redrive_policies_that_cannot_work_are_refused() {
    let cases = [
        ("dlq", "Redrive policy is not a valid JSON map."),
        (
            r#"{"maxReceiveCount":1}"#,
            "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
        ),
        (
            r#"{"deadLetterTargetArn":"a"}"#,
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
        ),
        // Recorded by a public test suite.
        (
            r#"{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}"#,
            "Invalid value for deadLetterTargetArn.",
        ),
        (
            r#"{"deadLetterTargetArn":"arn:aws:sqs:r1:000000000000:q","maxReceiveCount":1001}"#,
            "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            r#"{"deadLetterTargetArn":"arn:aws:sqs:r1:000000000000:q","maxReceiveCount":"x"}"#,
            "Invalid value for maxReceiveCount: x, valid values are from 1 to 1000 both inclusive.",
        ),
    ];
    for (text, reason) in cases {
        let message = format!("Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}");
        refused("q", "RedrivePolicy", text, "InvalidParameterValue", &message);
    }
}

#[test]
fn a_redrive_allow_policy_decides_by_source() {
    let (one, two) = (key("one"), key("two"));
    let by_queue = format!(r#"{{"redrivePermission": "byQueue", "sourceQueueArns": ["{}"]}}"#, one.arn());
    let shown = checked(&key("dlq"), "RedriveAllowPolicy", &by_queue).unwrap().unwrap();
    assert_eq!(shown, by_queue.replace(": ", ":").replace(", ", ","));
    assert!(permits(Some(&shown), &one) && !permits(Some(&shown), &two));
    assert!(!permits(Some(r#"{"redrivePermission":"denyAll"}"#), &one));
    assert!(permits(Some(r#"{"redrivePermission":"allowAll"}"#), &one) && permits(None, &one));
    for text in [
        r#"{"redrivePermission":"byQueue"}"#,
        r#"{"redrivePermission":"sometimes"}"#,
        r#"{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:r1:000000000000:q"]}"#,
        r#"{"redrivePermission":"byQueue","sourceQueueArns":["q"]}"#,
        "[]",
    ] {
        let error = checked(&key("dlq"), "RedriveAllowPolicy", text).expect_err(text);
        assert_eq!(error.code(), "InvalidParameterValue", "{text}");
    }
}

#[test]
fn a_queue_has_one_kind_of_encryption() {
    let none = Attributes::new();
    let with_key = set(&none, &attributes(&[("KmsMasterKeyId", "k")]), &key("q")).unwrap();
    let shown = all_effective(&with_key, &key("q"));
    assert_eq!(shown.get("SqsManagedSseEnabled").map(String::as_str), Some("false"));
    assert_eq!(shown.get("KmsDataKeyReusePeriodSeconds").map(String::as_str), Some("300"));
    let error =
        set(&with_key, &attributes(&[("SqsManagedSseEnabled", "true")]), &key("q")).expect_err("both");
    assert_eq!(error.code(), "InvalidAttributeName");
    let without = set(&with_key, &attributes(&[("KmsMasterKeyId", "")]), &key("q")).unwrap();
    assert_eq!(effective(&without, &key("q"), "SqsManagedSseEnabled"), Some("true"));
}

#[test]
fn a_policy_must_be_one() {
    for text in ["x", "{}", r#"{"Statement":[]}"#, r#"{"Statement":[{"Effect":"Perhaps","Action":"*"}]}"#] {
        refused("q", "Policy", text, "InvalidAttributeValue", "Invalid value for the parameter Policy.");
    }
    let text = r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "sqs:*" } }"#;
    let shown = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*"}}"#;
    assert_eq!(checked(&key("q"), "Policy", text).unwrap().as_deref(), Some(shown));
}

#[test]
fn all_names_what_holds() {
    let names: Vec<String> = all_effective(&Attributes::new(), &key("q")).into_keys().collect();
    assert_eq!(
        names,
        [
            "DelaySeconds",
            "MaximumMessageSize",
            "MessageRetentionPeriod",
            "ReceiveMessageWaitTimeSeconds",
            "SqsManagedSseEnabled",
            "VisibilityTimeout",
        ]
    );
}

#[test]
fn throughput_by_group_needs_deduplication_by_group() {
    let fifo = key("q.fifo");
    let alone = attributes(&[("FifoThroughputLimit", "perMessageGroupId")]);
    assert_eq!(set(&Attributes::new(), &alone, &fifo).expect_err("alone").code(), "InvalidAttributeValue");
    let both =
        attributes(&[("FifoThroughputLimit", "perMessageGroupId"), ("DeduplicationScope", "messageGroup")]);
    let both = set(&Attributes::new(), &both, &fifo).unwrap();
    assert!(set(&both, &attributes(&[("DeduplicationScope", "queue")]), &fifo).is_err());
}
