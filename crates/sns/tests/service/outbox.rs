use super::*;

#[tokio::test]
async fn addresses_and_phones_get_what_they_would_have_been_sent() {
    let world = World::new().await;
    let topic = world.topic_with("t", &[("DisplayName", "Shop")]).await.unwrap();
    world.subscribe(&topic, "email", "a@example.com", &[]).await.unwrap();
    let asked = world.sns.outbox(10).await.unwrap().remove(0);
    assert_eq!(asked.subject.as_deref(), Some("AWS Notification - Subscription Confirmation"));
    let token = asked.token.unwrap();
    let url = format!("http://127.0.0.1:4566/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}");
    assert_eq!(asked.subscribe_url, Some(url));
    let email = world.confirm(&topic, &token).await.unwrap();
    let sms = world.subscribe(&topic, "sms", "+4915112345678", &[]).await.unwrap();
    let input = PublishInput {
        topic_arn: Some(topic.clone()),
        message: "Hello".to_owned(),
        subject: Some("Hi".to_owned()),
        ..Default::default()
    };
    let id = world.publish_with(input).await.unwrap().message_id.unwrap();
    let mut newest = world.sns.outbox(2).await.unwrap();
    newest.sort_by(|a, b| a.protocol.cmp(&b.protocol));
    for (entry, arn, to, subject) in
        [(&newest[0], &email, "a@example.com", Some("Hi")), (&newest[1], &sms, "+4915112345678", None)]
    {
        assert_eq!(
            (entry.to.as_str(), entry.subject.as_deref(), entry.body.as_str()),
            (to, subject, "Hello")
        );
        assert_eq!((entry.subscription_arn.as_ref(), &entry.message_id), (Some(arn), &id));
        assert_eq!(entry.from.as_deref(), Some("Shop"));
    }
    assert_eq!(world.others.metric("NumberOfNotificationsDelivered"), 2.0);
}

#[tokio::test]
async fn a_text_message_goes_to_a_phone_number() {
    let world = World::new().await;
    let attributes = SetSMSAttributesInput { attributes: map(&[("DefaultSenderID", "Shop")]) };
    world.sns.set_sms_attributes(&world.context, attributes).await.unwrap();
    let publish = async |message: String| {
        let input =
            PublishInput { phone_number: Some("+4915112345678".to_owned()), message, ..Default::default() };
        world.publish_with(input).await
    };
    let id = publish("Code 123".to_owned()).await.unwrap().message_id;
    let entry = world.sns.outbox(1).await.unwrap().remove(0);
    assert_eq!(
        (entry.body.as_str(), entry.from.as_deref(), Some(entry.message_id)),
        ("Code 123", Some("Shop"), id)
    );
    refused(publish("x".repeat(1_601)).await, "InvalidParameter", "Invalid parameter: Message too long");
}

#[tokio::test]
async fn the_oldest_make_room() {
    let mut world = World::new().await;
    let topic = world.topic("t").await;
    world.subscribe(&topic, "sms", "+4915112345678", &[]).await.unwrap();
    for number in 0..1_010 {
        if number == 500 {
            world = world.restarted().await;
        }
        world.publish(&topic, &number.to_string()).await.unwrap();
    }
    let kept = world.sns.outbox(usize::MAX).await.unwrap();
    assert_eq!((kept.len(), kept[0].body.as_str(), kept[999].body.as_str()), (1_000, "1009", "10"));
}
