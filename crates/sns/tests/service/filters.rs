use super::*;

#[tokio::test]
async fn policies_choose_by_attributes() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let raw = ("RawMessageDelivery", "true");
    world.queue(&topic, "red", &[raw, ("FilterPolicy", r#"{"colour":["red"]}"#)]).await;
    world.queue(&topic, "large", &[raw, ("FilterPolicy", r#"{"size":[{"numeric":[">",10]}]}"#)]).await;
    world.queue(&topic, "listed", &[raw, ("FilterPolicy", r#"{"names":["b"]}"#)]).await;
    let publish = async |message: &str, attributes: &[(&str, &str, &str)]| {
        let attributes = attributes.iter().map(|(name, data_type, text)| {
            let value = MessageAttributeValue {
                data_type: (*data_type).to_owned(),
                string_value: Some((*text).to_owned()),
                binary_value: None,
            };
            ((*name).to_owned(), value)
        });
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            message: message.to_owned(),
            message_attributes: Some(attributes.collect()),
            ..Default::default()
        };
        world.publish_with(input).await.unwrap();
    };
    publish("1", &[("colour", "String", "red"), ("size", "Number", "9")]).await;
    publish("2", &[("colour", "String", "blue"), ("size", "Number", "10.5")]).await;
    publish("3", &[("names", "String.Array", r#"["a","b"]"#)]).await;
    publish("4", &[("colour", "String.custom", "red")]).await;
    publish("5", &[]).await;
    for (queue, expected) in [("red", "1"), ("large", "2"), ("listed", "3")] {
        assert_eq!(world.others.bodies(queue).join(" "), expected, "{queue}");
    }
}

#[tokio::test]
async fn policies_choose_by_the_body() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let attributes = [
        ("RawMessageDelivery", "true"),
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", r#"{"order":{"state":[{"prefix":"ship"}]}}"#),
    ];
    world.queue(&topic, "q", &attributes).await;
    let shipped = r#"{"order":{"state":"shipped"}}"#;
    for message in [shipped, r#"{"order":{"state":"open"}}"#, "no document"] {
        world.publish(&topic, message).await.unwrap();
    }
    assert_eq!(world.others.bodies("q"), [shipped]);
    assert_eq!(world.others.metric("NumberOfNotificationsFilteredOut-MessageBody"), 2.0);
    assert_eq!(world.others.metric("NumberOfNotificationsFilteredOut-InvalidMessageBody"), 1.0);
}

#[tokio::test]
async fn a_changed_policy_holds_for_the_next_message() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let arn = world.queue(&topic, "q", &[]).await;
    world.publish(&topic, "1").await.unwrap();
    world.set(&arn, "FilterPolicy", r#"{"colour":["red"]}"#).await.unwrap();
    world.publish(&topic, "2").await.unwrap();
    assert_eq!(world.others.received("q").len(), 1);
}
