use super::*;
use bytes::Bytes;
use targets::AttributeValue;

fn attribute(data_type: &str, text: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: Some(text.to_owned()),
        binary_value: None,
    }
}

fn attributes() -> BTreeMap<String, MessageAttributeValue> {
    let binary = MessageAttributeValue {
        data_type: "Binary".to_owned(),
        string_value: None,
        binary_value: Some(Bytes::from_static(&[2, 3, 4])),
    };
    BTreeMap::from([
        ("bytes".to_owned(), binary),
        ("list".to_owned(), attribute("String.Array", r#"["a","b"]"#)),
        ("number".to_owned(), attribute("Number", "111")),
    ])
}

fn input(topic: &str) -> PublishInput {
    PublishInput {
        topic_arn: Some(topic.to_owned()),
        message: "He said \"hi\"\n".to_owned(),
        subject: Some("Greeting".to_owned()),
        message_attributes: Some(attributes()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_queue_gets_the_envelope_laid_out_as_aws_does() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let subscription = world.queue(&topic, "q", &[]).await;
    let id = world.publish_with(input(&topic)).await.unwrap().message_id.unwrap();
    let [message] = &world.others.received("q")[..] else { panic!("one message") };
    let signature = |name: &str| {
        let body: Value = serde_json::from_str(&message.body).unwrap();
        body[name].as_str().unwrap().to_owned()
    };
    let expected = format!(
        r#"{{
  "Type" : "Notification",
  "MessageId" : "{id}",
  "TopicArn" : "{topic}",
  "Subject" : "Greeting",
  "Message" : "He said \"hi\"\n",
  "Timestamp" : "2024-01-31T08:05:09.123Z",
  "SignatureVersion" : "1",
  "Signature" : "{}",
  "SigningCertURL" : "{}",
  "UnsubscribeURL" : "http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn={subscription}",
  "MessageAttributes" : {{
    "bytes" : {{"Type":"Binary","Value":"AgME"}},
    "list" : {{"Type":"String.Array","Value":"[\"a\",\"b\"]"}},
    "number" : {{"Type":"Number","Value":"111"}}
  }}
}}"#,
        signature("Signature"),
        signature("SigningCertURL")
    );
    assert_eq!(message.body, expected);
    assert!(message.attributes.is_empty());
    assert_eq!(message.from.as_deref(), Some(id.as_str()));
    assert_eq!(message.trace_header.as_deref(), Some("Root=1-5759e988-bd862e3fe1be46a994272793"));
}

#[tokio::test]
async fn raw_delivery_is_the_message_itself_with_its_attributes() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[("RawMessageDelivery", "true")]).await;
    world.publish_with(input(&topic)).await.unwrap();
    let [message] = &world.others.received("q")[..] else { panic!("one message") };
    assert_eq!(message.body, "He said \"hi\"\n");
    let types: Vec<(&str, &str)> =
        message.attributes.iter().map(|(name, value)| (name.as_str(), value.data_type.as_str())).collect();
    assert_eq!(types, [("bytes", "Binary"), ("list", "String"), ("number", "Number")]);
    assert_eq!(message.attributes["bytes"].value, AttributeValue::Binary(vec![2, 3, 4]));
}

#[tokio::test]
async fn more_than_ten_attributes_cannot_be_delivered_raw() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "raw", &[("RawMessageDelivery", "true")]).await;
    world.queue(&topic, "plain", &[]).await;
    let many = (0..11).map(|number| (format!("a{number}"), attribute("String", "v"))).collect();
    let message = PublishInput { message_attributes: Some(many), ..input(&topic) };
    world.publish_with(message).await.unwrap();
    assert_eq!((world.others.received("raw").len(), world.others.received("plain").len()), (0, 1));
    assert_eq!(world.others.metric("NumberOfNotificationsFailed"), 1.0);
}

#[tokio::test]
async fn a_function_gets_lambdas_sns_event() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let function = "arn:aws:lambda:eu-central-1:000000000000:function:f:live";
    let subscription = world.subscribe(&topic, "lambda", function, &[]).await.unwrap();
    let id = world.publish(&topic, "Hello").await.unwrap().message_id.unwrap();
    let events = world.others.events.lock().unwrap().clone();
    let [(arn, event)] = &events[..] else { panic!("one event") };
    assert_eq!((arn.as_str(), event.source.as_str()), (function, topic.as_str()));
    let payload: Value = serde_json::from_slice(&event.payload).unwrap();
    let sns = &payload["Records"][0]["Sns"];
    let expected = json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": topic,
            "Subject": null,
            "Message": "Hello",
            "Timestamp": "2024-01-31T08:05:09.123Z",
            "SignatureVersion": "1",
            "Signature": sns["Signature"],
            "SigningCertUrl": sns["SigningCertUrl"],
            "UnsubscribeUrl": format!("http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn={subscription}"),
            "MessageAttributes": {},
        },
    }]});
    assert_eq!(payload, expected);
    assert!(sns["Signature"].as_str().unwrap().len() > 300);
}

#[tokio::test]
async fn each_protocol_can_have_a_text_of_its_own() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let raw = [("RawMessageDelivery", "true")];
    world.queue(&topic, "q", &raw).await;
    let publish = async |message: &str| {
        world
            .publish_with(PublishInput {
                topic_arn: Some(topic.clone()),
                message: message.to_owned(),
                message_structure: Some("json".to_owned()),
                ..Default::default()
            })
            .await
    };
    publish(r#"{"default":"all","sqs":"queues","unknown":"x"}"#).await.unwrap();
    publish(r#"{"default":"all","sqs":{"no":"text"}}"#).await.unwrap();
    publish(r#"{"default":"first","default":"last"}"#).await.unwrap();
    assert_eq!(world.others.bodies("q"), ["queues", "all", "last"]);
    for (message, reason) in [
        (r#"{"sqs":"x"}"#, "No default entry in JSON message body"),
        (r#"{"default":1}"#, "No default entry in JSON message body"),
        ("x", "JSON message body failed to parse"),
        ("[]", "JSON message body failed to parse"),
    ] {
        refused(
            publish(message).await,
            "InvalidParameter",
            &format!("Invalid parameter: Message Structure - {reason}"),
        );
    }
}

#[tokio::test]
async fn the_group_of_a_standard_topic_reaches_standard_queues() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    world
        .publish_with(PublishInput { message_group_id: Some("g".to_owned()), ..input(&topic) })
        .await
        .unwrap();
    let message = world.others.received("q").remove(0);
    assert_eq!((message.group_id.as_deref(), message.deduplication_id), (Some("g"), None));
}
