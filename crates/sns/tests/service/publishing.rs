use super::*;
use targets::What;

const INVALID: &str = "InvalidParameter";

#[tokio::test]
async fn what_cannot_be_published_is_refused_in_aws_words() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let input =
        || PublishInput { topic_arn: Some(topic.clone()), message: "m".to_owned(), ..Default::default() };
    let long = "x".repeat(262_145);
    let cases = [
        (PublishInput { message: String::new(), ..input() }, "Empty message"),
        (PublishInput { subject: Some(String::new()), ..input() }, "Subject"),
        (PublishInput { subject: Some("a\nb".to_owned()), ..input() }, "Subject"),
        (PublishInput { subject: Some("s".repeat(100)), ..input() }, "Subject"),
        (PublishInput { message: long, ..input() }, "Message too long"),
        (PublishInput { message_structure: Some("xml".to_owned()), ..input() }, "MessageStructure"),
        (
            PublishInput { message_deduplication_id: Some("d".to_owned()), ..input() },
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ),
        (
            PublishInput { topic_arn: None, ..input() },
            "TopicArn or TargetArn Reason: no value for required parameter",
        ),
        (
            PublishInput { topic_arn: None, phone_number: Some("112".to_owned()), ..input() },
            "PhoneNumber Reason: 112 is not valid to publish to",
        ),
    ];
    for (input, reason) in cases {
        refused(world.publish_with(input).await, INVALID, &format!("Invalid parameter: {reason}"));
    }
    let by_target = PublishInput { topic_arn: None, target_arn: Some(topic.clone()), ..input() };
    world.publish_with(by_target).await.unwrap();
}

#[tokio::test]
async fn the_size_limit_counts_attributes_and_can_be_raised_to_a_mebibyte() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[("RawMessageDelivery", "true")]).await;
    let publish = async |bytes: usize| {
        let value = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some("v".to_owned()),
            binary_value: None,
        };
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            // The attribute has 8 bytes: n, String, v.
            message: "x".repeat(bytes - 8),
            message_attributes: Some(BTreeMap::from([("n".to_owned(), value)])),
            ..Default::default()
        };
        world.publish_with(input).await
    };
    publish(262_144).await.unwrap();
    refused(publish(262_145).await, INVALID, "Invalid parameter: Message too long");
    world.set_topic(&topic, "MaximumMessageSize", "1048576").await.unwrap();
    publish(1_048_576).await.unwrap();
    refused(publish(1_048_577).await, INVALID, "Invalid parameter: Message too long");
    assert_eq!(world.others.received("q").len(), 2);
}

#[tokio::test]
async fn message_attributes_are_checked_in_aws_words() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let publish = async |name: &str, data_type: &str, text: Option<&str>, bytes: Option<&'static [u8]>| {
        let value = MessageAttributeValue {
            data_type: data_type.to_owned(),
            string_value: text.map(str::to_owned),
            binary_value: bytes.map(bytes::Bytes::from_static),
        };
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            message: "m".to_owned(),
            message_attributes: Some(BTreeMap::from([(name.to_owned(), value)])),
            ..Default::default()
        };
        world.publish_with(input).await
    };
    let empty =
        "The message attribute 'a' must contain non-empty message attribute value for message attribute type";
    let prefixes = "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes \
                    is Binary, Number, and String.";
    let long = "n".repeat(257);
    for (name, data_type, text, bytes, message) in [
        ("a", "String", Some(""), None, format!("{empty} 'String'.")),
        ("a", "String", None, None, format!("{empty} 'String'.")),
        ("a", "Binary", None, Some(&b""[..]), format!("{empty} 'Binary'.")),
        ("a", "String", None, Some(&b"x"[..]), "The message attribute 'a' with type 'String' must use field 'String'.".to_owned()),
        ("a", "Number", None, Some(&b"x"[..]), "The message attribute 'a' with type 'Number' must use field 'String'.".to_owned()),
        ("a", "Binary", Some("x"), None, "The message attribute 'a' with type 'Binary' must use field 'Binary'.".to_owned()),
        ("a", "Str", Some("x"), None, prefixes.to_owned()),
        ("a", "Stringprefixed", Some("x"), None, prefixes.to_owned()),
        (&long, "String", Some("x"), None, "Length of message attribute name must be less than 256 bytes.".to_owned()),
        ("a^b", "String", Some("x"), None, "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.".to_owned()),
        (".a", "String", Some("x"), None, "Invalid message attribute name starting with character '.' was found.".to_owned()),
        ("a.", "String", Some("x"), None, "Invalid message attribute name ending with character '.' was found.".to_owned()),
        ("a..b", "String", Some("x"), None, "Message attribute name can not have successive '.' character.".to_owned()),
    ] {
        refused(publish(name, data_type, text, bytes).await, "ParameterValueInvalid", &message);
    }
    publish("a", "String.prefixed", Some("x"), None).await.unwrap();
    publish("a.b-c_1", "Number.int", Some("1"), None).await.unwrap();
    assert!(publish("a", "String.Array", Some("x"), None).await.is_err());
}

fn entry(id: &str, message: &str) -> PublishBatchRequestEntry {
    PublishBatchRequestEntry { id: id.to_owned(), message: message.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_batch_is_delivered_in_order_or_not_at_all() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[("RawMessageDelivery", "true")]).await;
    let publish = async |entries: Vec<PublishBatchRequestEntry>| {
        let input = PublishBatchInput { topic_arn: topic.clone(), publish_batch_request_entries: entries };
        world.sns.publish_batch(&world.context, input).await
    };
    let numbers =
        |count: usize| (0..count).map(|n| entry(&n.to_string(), &format!("m{n}"))).collect::<Vec<_>>();
    let answer = publish(numbers(10)).await.unwrap();
    let ids: Vec<String> = answer.successful.unwrap().into_iter().map(|entry| entry.id.unwrap()).collect();
    assert_eq!(ids.join(" "), "0 1 2 3 4 5 6 7 8 9");
    assert_eq!(world.others.bodies("q").join(" "), "m0 m1 m2 m3 m4 m5 m6 m7 m8 m9");
    for (entries, code, message) in [
        (vec![], "EmptyBatchRequest", "The batch request doesn't contain any entries."),
        (
            numbers(11),
            "TooManyEntriesInBatchRequest",
            "The batch request contains more entries than permissible.",
        ),
        (
            vec![entry("a", "1"), entry("a", "2")],
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ),
        (
            vec![entry("a b", "1")],
            "InvalidBatchEntryId",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        ),
        (
            vec![entry("a", &"x".repeat(200_000)), entry("b", &"x".repeat(70_000))],
            "BatchRequestTooLong",
            "The length of all the messages put together is more than the limit.",
        ),
        (vec![entry("a", "1"), entry("b", "")], INVALID, "Invalid parameter: Empty message"),
    ] {
        refused(publish(entries).await, code, message);
    }
    assert_eq!(world.others.received("q").len(), 10);
}

#[tokio::test]
async fn a_publication_is_counted_and_its_story_told() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    world.queue(&topic, "choosy", &[("FilterPolicy", r#"{"colour":["red"]}"#)]).await;
    let id = world.publish(&topic, "hello").await.unwrap().message_id.unwrap();
    for (name, value) in [
        ("NumberOfMessagesPublished", 1.0),
        ("PublishSize", 5.0),
        ("NumberOfNotificationsDelivered", 1.0),
        ("NumberOfNotificationsFilteredOut", 1.0),
        ("NumberOfNotificationsFilteredOut-NoMessageAttributes", 1.0),
        ("NumberOfNotificationsFailed", 0.0),
    ] {
        assert_eq!(world.others.metric(name), value, "{name}");
    }
    let expected = [
        What::Accepted { by: "arn:aws:iam::000000000000:root".to_owned(), from: None, size_bytes: 5 },
        What::Sent {
            to: "arn:aws:sqs:eu-central-1:000000000000:q".to_owned(),
            role: "subscription".to_owned(),
            id: "accepted-0".to_owned(),
        },
        What::Ended { condition: "Success".to_owned() },
    ];
    assert_eq!(world.others.story(&id), expected);
}
