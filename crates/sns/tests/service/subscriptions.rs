use super::*;
use crate::world::{context, unsigned};

const INVALID: &str = "InvalidParameter";

#[tokio::test]
async fn a_queue_is_confirmed_at_once_and_shown_as_aws_does() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let queue = world.others.add_queue("q");
    let arn = world.subscribe(&topic, "sqs", &queue, &[("RawMessageDelivery", "true")]).await.unwrap();
    assert!(arn.starts_with(&format!("{topic}:")));
    let expected = map(&[
        ("ConfirmationWasAuthenticated", "true"),
        ("Endpoint", &queue),
        ("Owner", "000000000000"),
        ("PendingConfirmation", "false"),
        ("Protocol", "sqs"),
        ("RawMessageDelivery", "true"),
        ("SubscriptionArn", &arn),
        ("SubscriptionPrincipal", "arn:aws:iam::000000000000:root"),
        ("TopicArn", &topic),
    ]);
    assert_eq!(world.subscription_attributes(&arn).await.unwrap(), expected);
    assert_eq!(world.topic_attributes(&topic).await["SubscriptionsConfirmed"], "1");
}

#[tokio::test]
async fn an_endpoint_subscribes_once() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let first = world.queue(&topic, "q", &[]).await;
    for attributes in [&[][..], &[("RawMessageDelivery", "false")]] {
        assert_eq!(world.queue(&topic, "q", attributes).await, first);
    }
    let queue = world.others.add_queue("q");
    refused(
        world.subscribe(&topic, "sqs", &queue, &[("RawMessageDelivery", "true")]).await,
        INVALID,
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
    );
    assert_eq!(world.rows("sns-subscription").await, 1);
}

#[tokio::test]
async fn endpoints_must_suit_their_protocol_and_topic() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let fifo = world.topic_with("t.fifo", &[("FifoTopic", "true")]).await.unwrap();
    let fifo_queue = "arn:aws:sqs:eu-central-1:000000000000:q.fifo";
    for (topic, protocol, endpoint, message) in [
        (
            &topic,
            "test-protocol",
            "x",
            "Invalid parameter: Amazon SNS does not support this protocol string: test-protocol",
        ),
        (
            &topic,
            "firehose",
            "x",
            "Invalid parameter: The protocol firehose is not supported by Lambent yet.",
        ),
        (
            &topic,
            "application",
            "x",
            "Invalid parameter: The protocol application is not supported by Lambent yet.",
        ),
        (&topic, "sqs", "http://127.0.0.1:4566/000000000000/q", "Invalid parameter: SQS endpoint ARN"),
        (
            &topic,
            "http",
            "https://example.com",
            "Invalid parameter: Endpoint must match the specified protocol",
        ),
        (&topic, "https", "https://", "Invalid parameter: Endpoint"),
        (&topic, "email", "nobody", "Invalid parameter: Email address"),
        (&topic, "sms", "123", "Invalid SMS endpoint: 123"),
        (&topic, "lambda", "f", "Invalid parameter: Lambda endpoint ARN"),
        (
            &topic,
            "sqs",
            fifo_queue,
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ),
        (
            &fifo,
            "email",
            "a@example.com",
            "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue",
        ),
    ] {
        refused(world.subscribe(topic, protocol, endpoint, &[]).await, INVALID, message);
    }
    world.subscribe(&fifo, "sqs", fifo_queue, &[]).await.unwrap();
    world.subscribe(&fifo, "sqs", &world.others.add_queue("q"), &[]).await.unwrap();
    let missing = format!("{topic}x");
    refused(world.subscribe(&missing, "sqs", fifo_queue, &[]).await, "NotFound", "Topic does not exist");
}

#[tokio::test]
async fn attributes_are_checked_in_the_words_of_each_operation() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let queue = world.others.add_queue("q");
    for (name, value, message) in [
        (
            "RawMessageDelivery",
            "wrongvalue",
            "RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false.",
        ),
        (
            "FilterPolicyScope",
            "x",
            "FilterPolicyScope: Invalid value [x]. Please use either MessageBody or MessageAttributes",
        ),
        (
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"fake"}"#,
            "RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
        ("FakeAttribute", "x", "AttributeName"),
    ] {
        refused(
            world.subscribe(&topic, "sqs", &queue, &[(name, value)]).await,
            INVALID,
            &format!("Invalid parameter: Attributes Reason: {message}"),
        );
    }
    let arn = world.queue(&topic, "q", &[]).await;
    for (name, value, message) in [
        ("RawMessageDelivery", "", "RawMessageDelivery: Invalid value []. Must be true or false."),
        (
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:d.fifo"}"#,
            "RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard Topic.",
        ),
        ("ReplayPolicy", "{}", "The subscription attribute ReplayPolicy is not supported by Lambent yet."),
        ("DeliveryPolicy", "{}", "Delivery protocol [sqs] does not support delivery policies."),
        ("FakeAttribute", "x", "AttributeName"),
    ] {
        refused(world.set(&arn, name, value).await, INVALID, &format!("Invalid parameter: {message}"));
    }
    let error = world.set(&arn, "FilterPolicy", "{invalidjson}").await.unwrap_err();
    let message = error.message().unwrap().to_owned();
    assert!(message.starts_with("Invalid parameter: FilterPolicy: failed to parse JSON."), "{message}");
    let lambda = "arn:aws:lambda:eu-central-1:000000000000:function:f";
    let raw = world.subscribe(&topic, "lambda", lambda, &[("RawMessageDelivery", "true")]).await;
    assert_eq!(raw.unwrap_err().code(), INVALID);
}

#[tokio::test]
async fn a_fifo_subscription_wants_a_fifo_dead_letter_queue() {
    let world = World::new().await;
    let topic = world.topic_with("t.fifo", &[("FifoTopic", "true")]).await.unwrap();
    let arn = world.queue(&topic, "q.fifo", &[]).await;
    refused(
        world
            .set(
                &arn,
                "RedrivePolicy",
                r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:d"}"#,
            )
            .await,
        INVALID,
        "Invalid parameter: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.",
    );
}

#[tokio::test]
async fn a_filter_policy_is_shown_with_its_scope_and_removed_by_an_empty_one() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let arn = world.queue(&topic, "q", &[]).await;
    world.set(&arn, "FilterPolicy", r#"{"a":["b"]}"#).await.unwrap();
    let shown = world.subscription_attributes(&arn).await.unwrap();
    assert_eq!(
        (shown["FilterPolicy"].as_str(), shown["FilterPolicyScope"].as_str()),
        (r#"{"a":["b"]}"#, "MessageAttributes")
    );
    // It would be nested in the attributes.
    world.set(&arn, "FilterPolicyScope", "MessageBody").await.unwrap();
    world.set(&arn, "FilterPolicy", r#"{"a":{"b":["c"]}}"#).await.unwrap();
    assert_eq!(world.set(&arn, "FilterPolicyScope", "MessageAttributes").await.unwrap_err().code(), INVALID);
    world.set(&arn, "FilterPolicy", "{}").await.unwrap();
    let shown = world.subscription_attributes(&arn).await.unwrap();
    assert!(!shown.contains_key("FilterPolicy") && !shown.contains_key("FilterPolicyScope"), "{shown:?}");
}

#[tokio::test]
async fn subscriptions_are_listed_in_pages() {
    let world = World::new().await;
    let (one, two) = (world.topic("one").await, world.topic("two").await);
    for number in 0..100 {
        world.queue(&one, &format!("q{number}"), &[]).await;
    }
    world.queue(&two, "q", &[]).await;
    let list = async |next_token| {
        let input = ListSubscriptionsInput { next_token };
        let answer = world.sns.list_subscriptions(&world.context, input).await.unwrap();
        (answer.subscriptions.unwrap(), answer.next_token)
    };
    let (first, token) = list(None).await;
    let (second, end) = list(token).await;
    assert_eq!((first.len(), second.len(), end), (100, 1, None));
    assert_eq!(second[0].topic_arn.as_deref(), Some(two.as_str()));
    let by_topic = ListSubscriptionsByTopicInput { topic_arn: one.clone(), next_token: None };
    let by_topic = world.sns.list_subscriptions_by_topic(&world.context, by_topic).await.unwrap();
    assert_eq!((by_topic.subscriptions.unwrap().len(), by_topic.next_token), (100, None));
}

#[tokio::test]
async fn unsubscribing_ends_delivery_and_can_be_repeated() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let arn = world.queue(&topic, "q", &[]).await;
    let stranger = context("111122223333");
    let unsubscribe = async |context, arn: &str| {
        world.sns.unsubscribe(context, UnsubscribeInput { subscription_arn: arn.to_owned() }).await
    };
    let other = unsubscribe(&stranger, &arn).await;
    assert_eq!(other.unwrap_err().code(), "AuthorizationError");
    unsubscribe(&world.context, &arn).await.unwrap();
    unsubscribe(&world.context, &arn).await.unwrap();
    world.publish(&topic, "m").await.unwrap();
    assert_eq!(world.others.bodies("q").len(), 0);
    assert_eq!(world.topic_attributes(&topic).await["SubscriptionsDeleted"], "1");
    refused(
        unsubscribe(&world.context, "x").await,
        INVALID,
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
    );
    refused(unsubscribe(&world.context, &topic).await, INVALID, "Invalid parameter: SubscriptionId");
    // It can subscribe again, as another subscription.
    assert_ne!(world.queue(&topic, "q", &[]).await, arn);
}

#[tokio::test]
async fn an_address_waits_for_its_token_at_most_two_days() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let input = SubscribeInput {
        topic_arn: topic.clone(),
        protocol: "email".to_owned(),
        endpoint: Some("a@example.com".to_owned()),
        ..Default::default()
    };
    let answer = world.sns.subscribe(&world.context, input.clone()).await.unwrap();
    assert_eq!(answer.subscription_arn.as_deref(), Some("pending confirmation"));
    let by_topic = ListSubscriptionsByTopicInput { topic_arn: topic.clone(), next_token: None };
    let listed = world.sns.list_subscriptions_by_topic(&world.context, by_topic.clone()).await.unwrap();
    assert_eq!(listed.subscriptions.unwrap()[0].subscription_arn.as_deref(), Some("PendingConfirmation"));
    let token = world.sns.outbox(1).await.unwrap()[0].token.clone().unwrap();
    assert_eq!(token.len(), 288);
    let wrong = format!("{}0", &token[..287]);
    if wrong != token {
        refused(world.confirm(&topic, &wrong).await, INVALID, "Invalid parameter: Token");
    }
    refused(world.confirm(&topic, "x").await, INVALID, "Invalid parameter: Token");
    world.advance(seconds(2 * 24 * 3600)).await;
    refused(world.confirm(&topic, &token).await, INVALID, "Invalid parameter: Token");
    let listed = world.sns.list_subscriptions_by_topic(&world.context, by_topic).await.unwrap();
    assert_eq!(listed.subscriptions, Some(Vec::new()));

    world.sns.subscribe(&world.context, input).await.unwrap();
    let token = world.sns.outbox(1).await.unwrap()[0].token.clone().unwrap();
    let click =
        ConfirmSubscriptionInput { topic_arn: topic.clone(), token: token.clone(), ..Default::default() };
    let arn = world.sns.confirm_subscription(&unsigned(), click).await.unwrap().subscription_arn.unwrap();
    assert_eq!(world.confirm(&topic, &token).await.unwrap(), arn);
    assert_eq!(world.subscription_attributes(&arn).await.unwrap()["ConfirmationWasAuthenticated"], "false");
    assert_eq!(world.rows("sns-subscription").await, 1);
}

#[tokio::test]
async fn who_confirmed_with_a_signature_can_demand_one_for_unsubscribing() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.subscribe(&topic, "email", "a@example.com", &[]).await.unwrap();
    let token = world.sns.outbox(1).await.unwrap()[0].token.clone().unwrap();
    let input = ConfirmSubscriptionInput {
        topic_arn: topic,
        token,
        authenticate_on_unsubscribe: Some("true".to_owned()),
    };
    assert_eq!(world.sns.confirm_subscription(&unsigned(), input.clone()).await.unwrap_err().code(), INVALID);
    let arn = world.sns.confirm_subscription(&world.context, input).await.unwrap().subscription_arn.unwrap();
    let click = UnsubscribeInput { subscription_arn: arn };
    assert_eq!(
        world.sns.unsubscribe(&unsigned(), click.clone()).await.unwrap_err().code(),
        "AuthorizationError"
    );
    world.sns.unsubscribe(&world.context, click).await.unwrap();
}

#[tokio::test]
async fn a_click_on_unsubscribe_can_be_undone() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.subscribe(&topic, "email", "a@example.com", &[]).await.unwrap();
    let token = world.sns.outbox(1).await.unwrap()[0].token.clone().unwrap();
    let arn = world.confirm(&topic, &token).await.unwrap();
    world.sns.unsubscribe(&unsigned(), UnsubscribeInput { subscription_arn: arn.clone() }).await.unwrap();
    world.publish(&topic, "while away").await.unwrap();
    let farewell = world.sns.outbox(1).await.unwrap().remove(0);
    assert_eq!(farewell.subject.as_deref(), Some("AWS Notification - Unsubscribe Confirmation"));
    assert_eq!(world.confirm(&topic, &farewell.token.unwrap()).await.unwrap(), arn);
    world.publish(&topic, "back").await.unwrap();
    assert_eq!(world.sns.outbox(1).await.unwrap()[0].body, "back");
}

#[tokio::test]
async fn another_accounts_queue_gets_a_message_to_confirm_with() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    let foreign = world.others.add_queue_of("111122223333", "q");
    let arn = world.subscribe(&topic, "sqs", &foreign, &[]).await.unwrap();
    assert_eq!(world.subscription_attributes(&arn).await.unwrap()["PendingConfirmation"], "true");
    world.clock.quiet().await;
    let asked: Value = serde_json::from_str(&world.others.bodies("q")[0]).unwrap();
    assert_eq!(asked["Type"], "SubscriptionConfirmation");
    assert_eq!(world.others.metric("NumberOfNotificationsDelivered"), 0.0);
    assert_eq!(world.confirm(&topic, asked["Token"].as_str().unwrap()).await.unwrap(), arn);
    world.publish(&topic, "m").await.unwrap();
    assert_eq!(world.others.received("q").len(), 2);
}

#[tokio::test]
async fn what_sms_settings_mean_is_kept_and_what_they_cannot_mean_refused() {
    let world = World::new().await;
    let set = async |name: &str, value: &str| {
        let input = SetSMSAttributesInput { attributes: map(&[(name, value)]) };
        world.sns.set_sms_attributes(&world.context, input).await
    };
    set("DefaultSenderID", "Lambent").await.unwrap();
    set("DefaultSMSType", "Transactional").await.unwrap();
    for (name, value) in [
        ("DefaultSenderID", "12345678901"),
        ("DefaultSMSType", "x"),
        ("UsageReportS3Bucket", "b"),
        ("X", "y"),
    ] {
        assert_eq!(set(name, value).await.unwrap_err().code(), INVALID, "{name}");
    }
    let input = GetSMSAttributesInput { attributes: Some(vec!["DefaultSenderID".to_owned()]) };
    let shown = world.sns.get_sms_attributes(&world.context, input).await.unwrap();
    assert_eq!(shown.attributes, Some(map(&[("DefaultSenderID", "Lambent")])));
    let check = async |number: &str| {
        let input = CheckIfPhoneNumberIsOptedOutInput { phone_number: number.to_owned() };
        world.sns.check_if_phone_number_is_opted_out(&world.context, input).await
    };
    assert_eq!(check("+4915112345678").await.unwrap().is_opted_out, Some(false));
    refused(
        check("112").await,
        INVALID,
        "Invalid parameter: PhoneNumber Reason: 112 is not valid to publish to",
    );
}
