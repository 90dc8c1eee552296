//! Sending, receiving and deleting.

use std::collections::BTreeMap;

use api_sqs::{
    ChangeMessageVisibilityRequest, DeleteMessageRequest, MessageAttributeValue, MessageSystemAttributeValue,
    ReceiveMessageRequest, SendMessageRequest, Sqs as _,
};
use wire::Context;

use crate::world::{World, refused, texts};

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: Some(data_type.to_owned()),
        string_value: Some(value.to_owned()),
        ..Default::default()
    }
}

fn trace_header(value: &str) -> BTreeMap<String, MessageSystemAttributeValue> {
    let value = MessageSystemAttributeValue {
        data_type: Some("String".to_owned()),
        string_value: Some(value.to_owned()),
        ..Default::default()
    };
    BTreeMap::from([("AWSTraceHeader".to_owned(), value)])
}

async fn delete(world: &World, receipt: &str) -> Result<(), wire::Error> {
    let input = DeleteMessageRequest { queue_url: world.url("q"), receipt_handle: Some(receipt.to_owned()) };
    world.sqs.delete_message(&world.context, input).await
}

async fn change_visibility(world: &World, receipt: &str, seconds: i32) -> Result<(), wire::Error> {
    let input = ChangeMessageVisibilityRequest {
        queue_url: world.url("q"),
        receipt_handle: Some(receipt.to_owned()),
        visibility_timeout: Some(seconds),
    };
    world.sqs.change_message_visibility(&world.context, input).await
}

#[tokio::test]
async fn a_message_arrives_with_its_digests_and_attributes() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let input = SendMessageRequest {
        queue_url: world.url("q"),
        message_body: Some("Test Message".to_owned()),
        message_attributes: Some(BTreeMap::from([("Hello".to_owned(), attribute("String", "World"))])),
        message_system_attributes: Some(trace_header("some-trace-id")),
        ..Default::default()
    };
    let sent = world.sqs.send_message(&world.context, input).await.unwrap();
    // What AWS answers, on record in a public test suite.
    assert_eq!(sent.md5_of_message_body.as_deref(), Some("d1d4180b7e411c4be86b00fb2ee103eb"));
    assert_eq!(sent.md5_of_message_attributes.as_deref(), Some("7db7fb1ba7f41366a8ea5eb18220b26d"));
    assert_eq!(sent.md5_of_message_system_attributes.as_deref(), Some("fdce4f2818803f2f73becc09a54792c0"));
    assert_eq!(sent.sequence_number, None);

    let message = world.receive("q").await.remove(0);
    assert_eq!(message.message_id, sent.message_id);
    assert_eq!(message.md5_of_body, sent.md5_of_message_body);
    assert_eq!(message.md5_of_message_attributes, sent.md5_of_message_attributes);
    assert_eq!(message.message_attributes.unwrap()["Hello"], attribute("String", "World"));
    let expected = texts(&[
        ("ApproximateFirstReceiveTimestamp", "1706688309123"),
        ("ApproximateReceiveCount", "1"),
        ("AWSTraceHeader", "some-trace-id"),
        ("SenderId", "AIDAEXAMPLE"),
        ("SentTimestamp", "1706688309123"),
    ]);
    assert_eq!(message.attributes, Some(expected));
    assert_eq!(
        world.figures.take(),
        ["q NumberOfMessagesSent 1", "q SentMessageSize 28", "q NumberOfMessagesReceived 1"]
    );
}

#[tokio::test]
async fn a_receiver_is_told_what_it_asks_for() {
    let world = World::new();
    world.create("q", &[("VisibilityTimeout", "0")]).await.unwrap();
    let attributes = [("Help.Me", "Me"), ("Hello", "There"), ("General", "Kenobi")];
    let input = SendMessageRequest {
        queue_url: world.url("q"),
        message_body: Some("msg".to_owned()),
        message_attributes: Some(
            attributes.iter().map(|(name, value)| ((*name).to_owned(), attribute("String", value))).collect(),
        ),
        ..Default::default()
    };
    world.sqs.send_message(&world.context, input).await.unwrap();
    let receive = async |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let input = ReceiveMessageRequest { message_attribute_names: Some(names), ..Default::default() };
        let message = world.receive_with("q", input).await.unwrap().remove(0);
        assert_eq!(message.attributes, None);
        let names: Vec<String> = message.message_attributes.unwrap_or_default().into_keys().collect();
        (names.join(" "), message.md5_of_message_attributes.unwrap_or_default())
    };
    // Digests that AWS answered, on record in a public test suite.
    let all = ("General Hello Help.Me".to_owned(), "4c360f3fdafd970e05fae2f149d997f5".to_owned());
    for names in [["All"], [".*"], ["*"]] {
        assert_eq!(receive(&names).await, all);
    }
    let prefix = receive(&["Hel.*"]).await;
    assert_eq!(prefix, ("Hello Help.Me".to_owned(), "83fee93c1bcd8b9a5a923ffacdc636c7".to_owned()));
    let two = receive(&["Hello", "General"]).await;
    assert_eq!(two, ("General Hello".to_owned(), "fca026605781cb4126a1e9044df24232".to_owned()));
    let one = receive(&["Hello", "Foo"]).await;
    assert_eq!(one, ("Hello".to_owned(), "a311262e065454b75da111d535b8dacd".to_owned()));
    assert_eq!(receive(&["Foo"]).await, Default::default());
    assert_eq!(receive(&[]).await, Default::default());

    let by_name = ReceiveMessageRequest {
        message_system_attribute_names: Some(vec!["SenderId".into()]),
        ..Default::default()
    };
    let message = world.receive_with("q", by_name).await.unwrap().remove(0);
    assert_eq!(message.attributes, Some(texts(&[("SenderId", "AIDAEXAMPLE")])));
    let unknown =
        ReceiveMessageRequest { attribute_names: Some(vec!["Colour".into()]), ..Default::default() };
    refused(world.receive_with("q", unknown).await, "InvalidAttributeName", "Unknown Attribute Colour.");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let world = World::new();
    world.create("q", &[("MaximumMessageSize", "1024")]).await.unwrap();
    let missing = "The request must contain the parameter MessageBody.";
    refused(world.send("q", "").await, "MissingParameter", missing);
    let long = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.";
    refused(world.send("q", &"a".repeat(1_025)).await, "InvalidParameterValue", long);
    // The limit is one of bytes.
    refused(world.send("q", &"é".repeat(513)).await, "InvalidParameterValue", long);
    world.send("q", &"a".repeat(1_024)).await.unwrap();
    for body in ["a\0", "a\u{b}", "a\u{ffff}"] {
        assert_eq!(world.send("q", body).await.unwrap_err().code(), "InvalidMessageContents", "{body:?}");
    }
    world.send("q", "\t\r\n \u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}").await.unwrap();

    let send = |input| {
        let body = Some("x".to_owned());
        let input = SendMessageRequest { queue_url: world.url("q"), message_body: body, ..input };
        world.sqs.send_message(&world.context, input)
    };
    refused(
        send(SendMessageRequest { delay_seconds: Some(901), ..Default::default() }).await,
        "InvalidParameterValue",
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
    );
    let deduplication =
        SendMessageRequest { message_deduplication_id: Some("d".to_owned()), ..Default::default() };
    assert_eq!(send(deduplication).await.unwrap_err().code(), "InvalidParameterValue");
    let foreign = BTreeMap::from([("Hello".to_owned(), trace_header("x").remove("AWSTraceHeader").unwrap())]);
    refused(
        send(SendMessageRequest { message_system_attributes: Some(foreign), ..Default::default() }).await,
        "InvalidParameterValue",
        "Message system attribute name 'Hello' is invalid.",
    );
}

#[tokio::test]
async fn a_standard_queue_takes_groups_as_a_hint() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let input = SendMessageRequest {
        queue_url: world.url("q"),
        message_body: Some("x".to_owned()),
        message_group_id: Some("tenant".to_owned()),
        ..Default::default()
    };
    world.sqs.send_message(&world.context, input).await.unwrap();
    let message = world.receive("q").await.remove(0);
    assert_eq!(message.attributes.unwrap()["MessageGroupId"], "tenant");
}

#[tokio::test]
async fn receive_parameters_have_ranges() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let cases = [
        (
            ReceiveMessageRequest { max_number_of_messages: Some(11), ..Default::default() },
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            ReceiveMessageRequest { wait_time_seconds: Some(21), ..Default::default() },
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            ReceiveMessageRequest { visibility_timeout: Some(-1), ..Default::default() },
            "Value -1 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.",
        ),
    ];
    for (input, message) in cases {
        refused(world.receive_with("q", input).await, "InvalidParameterValue", message);
    }
    assert_eq!(world.receive("q").await, []);
    assert_eq!(world.figures.take(), ["q NumberOfEmptyReceives 1"]);
}

#[tokio::test]
async fn what_is_deleted_does_not_come_back() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.send("q", "x").await.unwrap();
    let receipt = world.receive("q").await.remove(0).receipt_handle.unwrap();
    assert_eq!(world.attribute("q", "ApproximateNumberOfMessagesNotVisible").await, "1");
    delete(&world, &receipt).await.unwrap();
    // Deleting twice is no error.
    delete(&world, &receipt).await.unwrap();
    world.advance(31).await;
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
    refused(
        delete(&world, "nonsense").await,
        "ReceiptHandleIsInvalid",
        "The input receipt handle \"nonsense\" is not a valid receipt handle.",
    );
    assert!(world.figures.take().contains(&"q NumberOfMessagesDeleted 1".to_owned()));
}

#[tokio::test]
async fn visibility_ends_changes_and_delays() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let input = SendMessageRequest {
        queue_url: world.url("q"),
        message_body: Some("x".to_owned()),
        delay_seconds: Some(10),
        ..Default::default()
    };
    world.sqs.send_message(&world.context, input).await.unwrap();
    assert_eq!(world.attribute("q", "ApproximateNumberOfMessagesDelayed").await, "1");
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
    world.advance(10).await;
    let receipt = world.receive("q").await.remove(0).receipt_handle.unwrap();
    change_visibility(&world, &receipt, 60).await.unwrap();
    world.advance(59).await;
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
    world.advance(1).await;
    let message = world.receive("q").await.remove(0);
    assert_eq!(message.attributes.unwrap()["ApproximateReceiveCount"], "2");
    let receipt = message.receipt_handle.unwrap();
    change_visibility(&world, &receipt, 0).await.unwrap();
    assert_eq!(world.bodies("q").await, ["x"]);

    let range = "Value 43201 for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 \
                 and 43200.";
    refused(change_visibility(&world, &receipt, 43_201).await, "InvalidParameterValue", range);
    assert_eq!(change_visibility(&world, "nonsense", 1).await.unwrap_err().code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_message_carries_the_trace_of_the_request_that_sent_it() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let traced = Context { trace_id: Some("Root=1-a;Lineage=1:b:0".to_owned()), ..world.context.clone() };
    let input = |system| SendMessageRequest {
        queue_url: world.url("q"),
        message_body: Some("x".to_owned()),
        message_system_attributes: system,
        ..Default::default()
    };
    world.sqs.send_message(&traced, input(None)).await.unwrap();
    world.sqs.send_message(&traced, input(Some(trace_header("Root=2")))).await.unwrap();
    let mut headers: Vec<String> = Vec::new();
    for message in world.receive("q").await {
        headers.push(message.attributes.unwrap().remove("AWSTraceHeader").unwrap());
    }
    headers.sort();
    assert_eq!(headers, ["Root=1-a;Lineage=1:b:0", "Root=2"]);
}
