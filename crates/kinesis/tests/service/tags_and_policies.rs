//! What is attached to streams.

use std::collections::BTreeMap;

use api_kinesis::{
    AddTagsToStreamInput, DeleteResourcePolicyInput, GetResourcePolicyInput, Kinesis as _,
    ListTagsForResourceInput, ListTagsForStreamInput, PutResourcePolicyInput, RegisterStreamConsumerInput,
    RemoveTagsFromStreamInput, TagResourceInput, UntagResourceInput,
};
use wire::Error;

use crate::world::{World, refused};

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn add(world: &World, tags: BTreeMap<String, String>) -> Result<(), Error> {
    let input = AddTagsToStreamInput { stream_name: Some("s".to_owned()), tags, ..Default::default() };
    world.kinesis.add_tags_to_stream(&world.context, input).await
}

async fn tags(world: &World, after: Option<&str>, limit: Option<i32>) -> (String, bool) {
    let input = ListTagsForStreamInput {
        stream_name: Some("s".to_owned()),
        exclusive_start_tag_key: after.map(str::to_owned),
        limit,
        ..Default::default()
    };
    let output = world.kinesis.list_tags_for_stream(&world.context, input).await.unwrap();
    let shown = output.tags.iter().map(|tag| format!("{}={} ", tag.key, tag.value.as_deref().unwrap()));
    (shown.collect::<String>().trim_end().to_owned(), output.has_more_tags)
}

#[tokio::test]
async fn tags_come_and_go_and_are_listed_in_pages() {
    let world = World::with_stream(1).await;
    add(&world, texts(&[("a", "1"), ("b", "2")])).await.unwrap();
    add(&world, texts(&[("b", "3"), ("c", "ü")])).await.unwrap();
    assert_eq!(tags(&world, None, None).await, ("a=1 b=3 c=ü".to_owned(), false));
    assert_eq!(tags(&world, None, Some(2)).await, ("a=1 b=3".to_owned(), true));
    assert_eq!(tags(&world, Some("b"), Some(2)).await, ("c=ü".to_owned(), false));
    let remove = RemoveTagsFromStreamInput {
        stream_name: Some("s".to_owned()),
        tag_keys: vec!["a".to_owned(), "missing".to_owned()],
        ..Default::default()
    };
    world.kinesis.remove_tags_from_stream(&world.context, remove).await.unwrap();
    let (resource_arn, context) = (world.arn("s"), &world.context);
    let tag = TagResourceInput {
        tags: texts(&[("d", "")]),
        resource_arn: resource_arn.clone(),
        ..Default::default()
    };
    world.kinesis.tag_resource(context, tag).await.unwrap();
    let untag = UntagResourceInput {
        tag_keys: vec!["b".to_owned()],
        resource_arn: resource_arn.clone(),
        ..Default::default()
    };
    world.kinesis.untag_resource(context, untag).await.unwrap();
    assert_eq!(tags(&world, None, None).await, ("c=ü d=".to_owned(), false));
    let list = ListTagsForResourceInput { resource_arn, ..Default::default() };
    let listed = world.kinesis.list_tags_for_resource(context, list).await.unwrap().tags.unwrap();
    assert_eq!(listed.len(), 2);
}

#[tokio::test]
async fn consumers_have_tags_and_policies_of_their_own() {
    let (world, owned) = (World::with_stream(1).await, |text: &str| text.to_owned());
    let input = RegisterStreamConsumerInput {
        stream_arn: world.arn("s"),
        consumer_name: owned("c"),
        tags: Some(texts(&[("a", "1")])),
        ..Default::default()
    };
    let consumer = world.kinesis.register_stream_consumer(&world.context, input).await.unwrap().consumer;
    let resource_arn = consumer.consumer_arn;
    let tag = TagResourceInput {
        tags: texts(&[("b", "2")]),
        resource_arn: resource_arn.clone(),
        ..Default::default()
    };
    world.kinesis.tag_resource(&world.context, tag).await.unwrap();
    let untag = UntagResourceInput {
        tag_keys: vec![owned("a")],
        resource_arn: resource_arn.clone(),
        ..Default::default()
    };
    world.kinesis.untag_resource(&world.context, untag).await.unwrap();
    let policy = r#"{"Statement":[]}"#;
    let put = PutResourcePolicyInput {
        resource_arn: resource_arn.clone(),
        policy: owned(policy),
        ..Default::default()
    };
    world.kinesis.put_resource_policy(&world.context, put).await.unwrap();
    world.settled().await;
    let list = |resource_arn: String| {
        let input = ListTagsForResourceInput { resource_arn, ..Default::default() };
        world.kinesis.list_tags_for_resource(&world.context, input)
    };
    let listed = list(resource_arn.clone()).await.unwrap().tags.unwrap();
    assert_eq!(listed.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["b"]);
    let get = GetResourcePolicyInput { resource_arn, ..Default::default() };
    assert_eq!(world.kinesis.get_resource_policy(&world.context, get).await.unwrap().policy, policy);
    assert_eq!(tags(&world, None, None).await, (String::new(), false));
    for (arn, code) in [
        (format!("{}/consumer/c:5", world.arn("s")), "ResourceNotFoundException"),
        (format!("{}/consumer/d:1706688309", world.arn("s")), "ResourceNotFoundException"),
        (world.arn("t"), "ResourceNotFoundException"),
        (format!("{}/x", world.arn("s")), "ResourceNotFoundException"),
        (world.arn("s").replace("000000000000", "111111111111"), "AccessDeniedException"),
        (owned("arn:aws:kinesis:eu-central-1:000000000000:queue/q"), "InvalidArgumentException"),
    ] {
        assert_eq!(list(arn.clone()).await.unwrap_err().code(), code, "{arn}");
    }
}

#[tokio::test]
async fn a_stream_has_at_most_fifty_tags() {
    let world = World::with_stream(1).await;
    let many = |count: u32| (0..count).map(|index| (format!("t{index}"), String::new())).collect();
    add(&world, many(50)).await.unwrap();
    refused(
        add(&world, many(51)).await,
        "InvalidArgumentException",
        "Failed to add tags to stream s under account 000000000000 because a given stream cannot have more than 50 tags \
         associated with it.",
    );
    refused(
        add(&world, texts(&[("a", "<>")])).await,
        "InvalidArgumentException",
        "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @ :.",
    );
    assert_eq!(add(&world, texts(&[("aws:a", "")])).await.unwrap_err().code(), "InvalidArgumentException");
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_given() {
    let world = World::with_stream(1).await;
    let arn = world.arn("s");
    let put = |policy: &str| {
        let input = PutResourcePolicyInput {
            resource_arn: arn.clone(),
            policy: policy.to_owned(),
            ..Default::default()
        };
        world.kinesis.put_resource_policy(&world.context, input)
    };
    let get = || {
        let input = GetResourcePolicyInput { resource_arn: arn.clone(), ..Default::default() };
        world.kinesis.get_resource_policy(&world.context, input)
    };
    let delete = || {
        let input = DeleteResourcePolicyInput { resource_arn: arn.clone(), ..Default::default() };
        world.kinesis.delete_resource_policy(&world.context, input)
    };
    assert_eq!(get().await.unwrap().policy, "{}");
    let policy = r#"{ "Version":"2012-10-17", "Statement": [] }"#;
    put(policy).await.unwrap();
    assert_eq!(get().await.unwrap().policy, policy);
    for wrong in ["", "{", "{}", "[]", r#"{"Statement":1}"#] {
        assert_eq!(put(wrong).await.unwrap_err().code(), "InvalidArgumentException", "{wrong}");
    }
    let long = format!(r#"{{"Statement":[],"Id":"{}"}}"#, "x".repeat(20 << 10));
    assert_eq!(put(&long).await.unwrap_err().code(), "LimitExceededException");
    delete().await.unwrap();
    refused(
        delete().await,
        "ResourceNotFoundException",
        &format!("No resource policy found for resource ARN {arn}"),
    );
    assert_eq!(get().await.unwrap().policy, "{}");
}
