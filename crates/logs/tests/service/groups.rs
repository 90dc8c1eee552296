use std::collections::BTreeMap;

use api_logs::{
    DeleteLogGroupRequest, DeleteLogStreamRequest, DescribeLogGroupsRequest, DescribeLogStreamsRequest,
    ListTagsForResourceRequest, ListTagsLogGroupRequest, Logs, OrderBy, TagLogGroupRequest,
    TagResourceRequest, UntagLogGroupRequest, UntagResourceRequest,
};

use super::*;

const MISSING_GROUP: &str = "The specified log group does not exist.";

async fn delete_group(world: &World, name: &str) -> Result<(), Error> {
    let input = DeleteLogGroupRequest { log_group_name: name.to_owned() };
    world.logs.delete_log_group(&world.context, input).await
}

async fn describe(world: &World, input: DescribeLogGroupsRequest) -> (Vec<String>, Option<String>) {
    let answer = world.logs.describe_log_groups(&world.context, input).await.unwrap();
    let names = answer.log_groups.unwrap().into_iter().filter_map(|group| group.log_group_name);
    (names.collect(), answer.next_token)
}

#[tokio::test]
async fn a_group_is_described_as_aws_does() {
    let world = World::with_stream().await;
    world.put(&[(0, "hello")]).await.unwrap();
    let groups = world.groups().await;
    let expected = LogGroup {
        log_group_name: Some("g".to_owned()),
        creation_time: Some(START.as_millis()),
        metric_filter_count: Some(0),
        arn: Some("arn:aws:logs:eu-central-1:000000000000:log-group:g:*".to_owned()),
        log_group_arn: Some("arn:aws:logs:eu-central-1:000000000000:log-group:g".to_owned()),
        stored_bytes: Some(31),
        log_group_class: Some(api_logs::LogGroupClass::Standard),
        deletion_protection_enabled: Some(false),
        ..Default::default()
    };
    assert_eq!(groups, [expected]);
}

#[tokio::test]
async fn names_are_taken_and_missed_in_aws_words() {
    let world = World::with_stream().await;
    let exists = "ResourceAlreadyExistsException";
    refused(world.create_group("g").await, exists, "The specified log group already exists");
    refused(world.create_stream("g", "s").await, exists, "The specified log stream already exists");
    refused(world.create_stream("x", "s").await, "ResourceNotFoundException", MISSING_GROUP);
    refused(delete_group(&world, "x").await, "ResourceNotFoundException", MISSING_GROUP);
    refused(
        world.create_group("aws/x").await,
        "InvalidParameterException",
        "Log groups starting with AWS/ are reserved for AWS.",
    );
    let input = CreateLogGroupRequest {
        log_group_name: "k".to_owned(),
        kms_key_id: Some("arn:aws:kms:r:a:key/k".to_owned()),
        ..Default::default()
    };
    assert!(world.logs.create_log_group(&world.context, input).await.is_err());
}

#[tokio::test]
async fn accounts_and_regions_do_not_see_each_other() {
    let world = World::with_stream().await;
    for other in [context("111122223333", "eu-central-1"), context("000000000000", "us-east-1")] {
        let answer = world.logs.describe_log_groups(&other, DescribeLogGroupsRequest::default()).await;
        assert_eq!(answer.unwrap().log_groups, Some(Vec::new()));
        let input = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
        assert!(world.logs.delete_log_group(&other, input).await.is_err());
    }
}

#[tokio::test]
async fn groups_are_listed_by_prefix_pattern_and_page() {
    let world = World::new();
    for name in ["/aws/lambda/b", "/aws/lambda/a", "/aws/lambda-other", "zeta", "/aws/lambda/c"] {
        world.create_group(name).await.unwrap();
    }
    let prefixed = DescribeLogGroupsRequest {
        log_group_name_prefix: Some("/aws/lambda/".to_owned()),
        limit: Some(2),
        ..Default::default()
    };
    let (names, token) = describe(&world, prefixed.clone()).await;
    assert_eq!(names, ["/aws/lambda/a", "/aws/lambda/b"]);
    let (names, token) = describe(&world, DescribeLogGroupsRequest { next_token: token, ..prefixed }).await;
    assert_eq!((names, token), (vec!["/aws/lambda/c".to_owned()], None));

    let pattern =
        DescribeLogGroupsRequest { log_group_name_pattern: Some("lambda-".to_owned()), ..Default::default() };
    let answer = world.logs.describe_log_groups(&world.context, pattern).await.unwrap();
    let groups = answer.log_groups.unwrap();
    assert_eq!(groups[0].log_group_name.as_deref(), Some("/aws/lambda-other"));
    assert_eq!((groups.len(), groups[0].stored_bytes), (1, None));

    let named = DescribeLogGroupsRequest {
        log_group_identifiers: Some(vec!["zeta".to_owned(), "none".to_owned()]),
        ..Default::default()
    };
    assert_eq!(describe(&world, named).await.0, ["zeta"]);

    let both = DescribeLogGroupsRequest {
        log_group_name_pattern: Some("a".to_owned()),
        log_group_name_prefix: Some("a".to_owned()),
        ..Default::default()
    };
    refused(
        world.logs.describe_log_groups(&world.context, both).await,
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    );
    let made_up = DescribeLogGroupsRequest { next_token: Some("%".to_owned()), ..Default::default() };
    refused(
        world.logs.describe_log_groups(&world.context, made_up).await,
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    );
}

async fn list_streams(world: &World, mut input: DescribeLogStreamsRequest) -> Vec<String> {
    input.log_group_name = Some("g".to_owned());
    input.limit = Some(2);
    let mut names = Vec::new();
    loop {
        let answer = world.logs.describe_log_streams(&world.context, input.clone()).await.unwrap();
        let streams = answer.log_streams.unwrap();
        assert!(streams.len() <= 2);
        names.extend(streams.into_iter().filter_map(|stream| stream.log_stream_name));
        input.next_token = answer.next_token;
        if input.next_token.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_newest_event_in_both_directions() {
    let world = World::new();
    world.create_group("g").await.unwrap();
    for name in ["a2", "a1", "b", "a"] {
        world.create_stream("g", name).await.unwrap();
    }
    world.put_into("b", &[(0, "x")]).await.unwrap();
    world.put_into("a2", &[(-5, "x"), (5, "y")]).await.unwrap();
    world.put_into("b", &[(1, "x")]).await.unwrap();
    world.put_into("a1", &[(-9, "x")]).await.unwrap();

    let all = DescribeLogStreamsRequest::default();
    assert_eq!(list_streams(&world, all.clone()).await, ["a", "a1", "a2", "b"]);
    let descending = DescribeLogStreamsRequest { descending: Some(true), ..all.clone() };
    assert_eq!(list_streams(&world, descending.clone()).await, ["b", "a2", "a1", "a"]);
    let prefix = Some("a".to_owned());
    let prefixed = DescribeLogStreamsRequest { log_stream_name_prefix: prefix.clone(), ..all.clone() };
    assert_eq!(list_streams(&world, prefixed).await, ["a", "a1", "a2"]);
    let prefixed = DescribeLogStreamsRequest { log_stream_name_prefix: prefix, ..descending };
    assert_eq!(list_streams(&world, prefixed.clone()).await, ["a2", "a1", "a"]);
    let by_time = DescribeLogStreamsRequest { order_by: Some(OrderBy::LastEventTime), ..all };
    assert_eq!(list_streams(&world, by_time.clone()).await, ["a", "a1", "b", "a2"]);
    let newest = DescribeLogStreamsRequest { descending: Some(true), ..by_time };
    assert_eq!(list_streams(&world, newest).await, ["a2", "b", "a1", "a"]);
    let both = DescribeLogStreamsRequest {
        log_group_name: Some("g".to_owned()),
        order_by: Some(OrderBy::LastEventTime),
        ..prefixed
    };
    assert!(world.logs.describe_log_streams(&world.context, both).await.is_err());
}

#[tokio::test]
async fn a_deleted_group_leaves_nothing_and_its_name_is_free_at_once() {
    let world = World::with_stream().await;
    world.create_stream("g", "t").await.unwrap();
    world.put(&[(0, "old")]).await.unwrap();
    delete_group(&world, "g").await.unwrap();
    assert_eq!(world.groups().await, []);
    refused(world.put(&[(0, "x")]).await, "ResourceNotFoundException", MISSING_GROUP);

    world.create_group("g").await.unwrap();
    assert_eq!(world.streams("g").await, []);
    assert_eq!(world.groups().await[0].stored_bytes, Some(0));
    world.settle().await;
    assert_eq!(world.entries().await, 1, "only the new group");
}

#[tokio::test]
async fn a_deleted_stream_takes_its_bytes_along() {
    let world = World::with_stream().await;
    world.create_stream("g", "t").await.unwrap();
    world.put(&[(0, "1234")]).await.unwrap();
    world.put_into("t", &[(0, "12")]).await.unwrap();
    let delete = |name: &str| DeleteLogStreamRequest {
        log_group_name: "g".to_owned(),
        log_stream_name: name.to_owned(),
    };
    world.logs.delete_log_stream(&world.context, delete("s")).await.unwrap();
    world.settle().await;
    assert_eq!(world.groups().await[0].stored_bytes, Some(28));
    assert_eq!(world.streams("g").await.len(), 1);
    refused(
        world.logs.delete_log_stream(&world.context, delete("s")).await,
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    );
    refused(
        world.put(&[(0, "x")]).await,
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    );
}

#[tokio::test]
async fn tags_of_both_generations_are_the_same_tags() {
    let world = World::with_stream().await;
    let (logs, context) = (&world.logs, &world.context);
    let arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g".to_owned();
    let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let input = TagResourceRequest { resource_arn: arn.clone(), tags: tags(&[("a", "1"), ("b", "2")]) };
    logs.tag_resource(context, input).await.unwrap();
    let input = TagLogGroupRequest { log_group_name: "g".to_owned(), tags: tags(&[("b", "3"), ("c", "4")]) };
    logs.tag_log_group(context, input).await.unwrap();
    let input = UntagResourceRequest { resource_arn: format!("{arn}:*"), tag_keys: vec!["a".to_owned()] };
    logs.untag_resource(context, input).await.unwrap();
    let input = ListTagsForResourceRequest { resource_arn: arn.clone() };
    let listed = logs.list_tags_for_resource(context, input).await.unwrap().tags;
    assert_eq!(listed, Some(tags(&[("b", "3"), ("c", "4")])));
    let input = UntagLogGroupRequest { log_group_name: "g".to_owned(), tags: vec!["c".to_owned()] };
    logs.untag_log_group(context, input).await.unwrap();
    let input = ListTagsLogGroupRequest { log_group_name: "g".to_owned() };
    let listed = logs.list_tags_log_group(context, input).await.unwrap().tags;
    assert_eq!(listed, Some(tags(&[("b", "3")])));

    let many = (0..50).map(|index| (format!("k{index}"), String::new())).collect();
    let input = TagResourceRequest { resource_arn: arn.clone(), tags: many };
    let error = logs.tag_resource(context, input).await.unwrap_err();
    assert_eq!(error.code(), "TooManyTagsException");
    let input = TagResourceRequest { resource_arn: arn, tags: tags(&[("aws:x", "1")]) };
    assert_eq!(logs.tag_resource(context, input).await.unwrap_err().code(), "InvalidParameterException");
    let foreign = "arn:aws:logs:us-east-1:000000000000:log-group:g".to_owned();
    let input = ListTagsForResourceRequest { resource_arn: foreign };
    refused(logs.list_tags_for_resource(context, input).await, "ResourceNotFoundException", MISSING_GROUP);
}
