use super::*;
use crate::world::context;

const ARN: &str = "arn:aws:sns:eu-central-1:000000000000:t";

#[tokio::test]
async fn a_new_topic_is_shown_as_aws_shows_it() {
    let world = World::new().await;
    assert_eq!(world.topic("t").await, ARN);
    let mut shown = world.topic_attributes(ARN).await;
    let policy: Value = serde_json::from_str(&shown.remove("Policy").unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceOwner"], "000000000000");
    assert_eq!(policy["Statement"][0]["Action"].as_array().unwrap().len(), 8);
    let effective: Value = serde_json::from_str(&shown.remove("EffectiveDeliveryPolicy").unwrap()).unwrap();
    let expected = json!({"http": {
        "defaultHealthyRetryPolicy": {"minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3,
            "numMaxDelayRetries": 0, "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear"},
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }});
    assert_eq!(effective, expected);
    let rest = map(&[
        ("DisplayName", ""),
        ("Owner", "000000000000"),
        ("SubscriptionsConfirmed", "0"),
        ("SubscriptionsDeleted", "0"),
        ("SubscriptionsPending", "0"),
        ("TopicArn", ARN),
    ]);
    assert_eq!(shown, rest);
}

#[tokio::test]
async fn a_fifo_topic_shows_what_standard_topics_do_not() {
    let world = World::new().await;
    let attributes = [("FifoTopic", "true"), ("DisplayName", "TestTopic"), ("SignatureVersion", "2")];
    let arn = world.topic_with("t.fifo", &attributes).await.unwrap();
    let shown = world.topic_attributes(&arn).await;
    for (name, value) in [
        ("FifoTopic", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DisplayName", "TestTopic"),
        ("SignatureVersion", "2"),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    world.set_topic(&arn, "ContentBasedDeduplication", "true").await.unwrap();
    assert_eq!(world.topic_attributes(&arn).await["ContentBasedDeduplication"], "true");
    refused(
        world.set_topic(&arn, "FifoTopic", "false").await,
        "InvalidParameter",
        "Invalid parameter: AttributeName",
    );
}

#[tokio::test]
async fn making_a_topic_again_returns_it_unless_it_would_be_another() {
    let world = World::new().await;
    world.topic_with("t", &[("DisplayName", "one")]).await.unwrap();
    for attributes in
        [&[][..], &[("DisplayName", "one")], &[("SignatureVersion", "1")], &[("FifoTopic", "false")]]
    {
        assert_eq!(world.topic_with("t", attributes).await.unwrap(), ARN, "{attributes:?}");
    }
    for attributes in [&[("DisplayName", "two")][..], &[("SignatureVersion", "2")]] {
        refused(
            world.topic_with("t", attributes).await,
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
        );
    }
    let tag = |key: &str| vec![Tag { key: key.to_owned(), value: "v".to_owned() }];
    let tagged = |tags| CreateTopicInput { name: "u".to_owned(), tags: Some(tags), ..Default::default() };
    world.sns.create_topic(&world.context, tagged(tag("k"))).await.unwrap();
    world.sns.create_topic(&world.context, tagged(tag("k"))).await.unwrap();
    refused(
        world.sns.create_topic(&world.context, tagged(tag("other"))).await,
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    );
}

#[tokio::test]
async fn wrong_names_and_attributes_are_refused() {
    let world = World::new().await;
    for name in ["", "a b", "t.fifo", "ä", &"n".repeat(257)] {
        let answer = world.topic_with(name, &[]).await;
        refused(answer, "InvalidParameter", "Invalid parameter: Topic Name");
    }
    let fifo = world.topic_with("t", &[("FifoTopic", "true")]).await;
    assert!(fifo.unwrap_err().message().unwrap().contains("Fifo Topic names must end with .fifo"));
    for (name, value) in [
        ("SignatureVersion", "3"),
        ("DisplayName", &"x".repeat(101)),
        ("Policy", "x"),
        ("Policy", "{}"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("ContentBasedDeduplication", "true"),
        ("FifoThroughputScope", "Topic"),
        ("TracingConfig", "Active"),
        ("KmsMasterKeyId", "alias/aws/sns"),
        ("ArchivePolicy", "{}"),
        ("SQSFailureFeedbackRoleArn", "arn:aws:iam::000000000000:role/r"),
        ("Unknown", "x"),
    ] {
        let error = world.topic_with("t", &[(name, value)]).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameter", "{name}");
    }
    assert_eq!(world.rows("sns-topic").await, 0);
}

#[tokio::test]
async fn a_topic_is_named_by_an_arn_of_its_region() {
    let world = World::new().await;
    let get = async |arn: &str| {
        let input = GetTopicAttributesInput { topic_arn: arn.to_owned() };
        world.sns.get_topic_attributes(&world.context, input).await
    };
    refused(get(ARN).await, "NotFound", "Topic does not exist");
    for (arn, parts) in [("", 1), ("t", 1), ("a:b", 2)] {
        let message =
            format!("Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not {parts}");
        refused(get(arn).await, "InvalidParameter", &message);
    }
    for arn in ["arn:aws:sns:us-east-1:000000000000:t", "arn:aws:sqs:eu-central-1:000000000000:t"] {
        refused(get(arn).await, "InvalidParameter", "Invalid parameter: TopicArn");
    }
}

#[tokio::test]
async fn deleting_takes_the_subscriptions_along_and_can_be_repeated() {
    let world = World::new().await;
    world.topic("t").await;
    let subscription = world.queue(ARN, "q", &[]).await;
    let delete = async || {
        let input = DeleteTopicInput { topic_arn: ARN.to_owned() };
        world.sns.delete_topic(&world.context, input).await
    };
    delete().await.unwrap();
    delete().await.unwrap();
    refused(world.publish(ARN, "m").await, "NotFound", "Topic does not exist");
    refused(world.subscription_attributes(&subscription).await, "NotFound", "Subscription does not exist");
    world.topic("t").await;
    world.publish(ARN, "m").await.unwrap();
    assert_eq!(world.others.bodies("q").len(), 0);
    assert_eq!((world.rows("sns-subscription").await, world.rows("sns-endpoint").await), (0, 0));
}

#[tokio::test]
async fn topics_are_listed_in_pages_of_a_hundred() {
    let world = World::new().await;
    for number in 0..101 {
        world.topic(&format!("t{number:03}")).await;
    }
    let list = async |next_token| {
        let answer = world.sns.list_topics(&world.context, ListTopicsInput { next_token }).await;
        answer.map(|answer| (answer.topics.unwrap(), answer.next_token))
    };
    let (first, token) = list(None).await.unwrap();
    let (second, end) = list(token).await.unwrap();
    assert_eq!((first.len(), second.len(), end), (100, 1, None));
    assert!(second[0].topic_arn.as_deref().unwrap().ends_with(":t100"));
    assert_eq!(list(Some("*".to_owned())).await.unwrap_err().code(), "InvalidParameter");
    let others = world.sns.list_topics(&context("111122223333"), ListTopicsInput::default()).await;
    assert_eq!(others.unwrap().topics, Some(Vec::new()));
}

#[tokio::test]
async fn tags_are_kept_in_order_and_checked() {
    let world = World::new().await;
    world.topic("t").await;
    let tag = async |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| Tag { key: (*key).to_owned(), value: (*value).to_owned() });
        let input = TagResourceRequest { resource_arn: ARN.to_owned(), tags: tags.collect() };
        world.sns.tag_resource(&world.context, input).await
    };
    tag(&[("k1", "v1"), ("k2", "v2")]).await.unwrap();
    tag(&[("k2", "v2b")]).await.unwrap();
    refused(
        tag(&[("k", "1"), ("k", "2")]).await,
        "InvalidParameter",
        "Invalid parameter: Duplicated keys are not allowed.",
    );
    let untag = UntagResourceRequest { resource_arn: ARN.to_owned(), tag_keys: vec!["k1".to_owned()] };
    world.sns.untag_resource(&world.context, untag).await.unwrap();
    let list = async |arn: &str| {
        let input = ListTagsForResourceRequest { resource_arn: arn.to_owned() };
        world.sns.list_tags_for_resource(&world.context, input).await
    };
    let tags = list(ARN).await.unwrap().tags.unwrap();
    assert_eq!(tags, [Tag { key: "k2".to_owned(), value: "v2b".to_owned() }]);
    let missing = list("arn:aws:sns:eu-central-1:000000000000:x").await;
    refused(missing, "ResourceNotFound", "Resource does not exist");
    let many: Vec<(String, &str)> = (0..51).map(|number| (number.to_string(), "v")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    assert_eq!(tag(&many).await.unwrap_err().code(), "TagLimitExceeded");
}

#[tokio::test]
async fn another_account_needs_a_permission() {
    let world = World::new().await;
    world.topic("t").await;
    let other = context("111122223333");
    let publish = async || {
        let input =
            PublishInput { topic_arn: Some(ARN.to_owned()), message: "m".to_owned(), ..Default::default() };
        world.sns.publish(&other, input).await
    };
    refused(
        publish().await,
        "AuthorizationError",
        "User: arn:aws:iam::111122223333:root is not authorized to perform: SNS:Publish on resource: \
         arn:aws:sns:eu-central-1:000000000000:t because no resource-based policy allows the SNS:Publish action",
    );
    let add = AddPermissionInput {
        topic_arn: ARN.to_owned(),
        label: "them".to_owned(),
        aws_account_id: vec!["111122223333".to_owned()],
        action_name: vec!["Publish".to_owned()],
    };
    world.sns.add_permission(&world.context, add.clone()).await.unwrap();
    publish().await.unwrap();
    refused(
        world.sns.add_permission(&world.context, add).await,
        "InvalidParameter",
        "Invalid parameter: Statement already exists",
    );
    let delete = DeleteTopicInput { topic_arn: ARN.to_owned() };
    assert_eq!(world.sns.delete_topic(&other, delete).await.unwrap_err().code(), "AuthorizationError");
    let remove = RemovePermissionInput { topic_arn: ARN.to_owned(), label: "them".to_owned() };
    world.sns.remove_permission(&world.context, remove).await.unwrap();
    assert!(publish().await.is_err());
}
