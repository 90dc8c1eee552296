//! Queues, their names, attributes and tags.

use api_sqs::{
    DeleteQueueRequest, GetQueueAttributesRequest, GetQueueUrlRequest, ListQueueTagsRequest,
    ListQueuesRequest, ListQueuesResult, PurgeQueueRequest, SetQueueAttributesRequest, Sqs as _,
    TagQueueRequest, UntagQueueRequest,
};
use wire::Error;

use crate::world::{World, context, refused, texts};

#[tokio::test]
async fn a_queue_has_awss_defaults() {
    let world = World::new();
    assert_eq!(world.create("q", &[]).await.unwrap(), "http://127.0.0.1:4566/000000000000/q");
    let expected = texts(&[
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("CreatedTimestamp", "1706688309"),
        ("DelaySeconds", "0"),
        ("LastModifiedTimestamp", "1706688309"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("QueueArn", "arn:aws:sqs:eu-central-1:000000000000:q"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("VisibilityTimeout", "30"),
    ]);
    assert_eq!(world.attributes("q").await, expected);
    world.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let fifo = world.attributes("q.fifo").await;
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        assert_eq!(fifo.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn attributes_are_told_by_name_and_change() {
    let world = World::new();
    world.create("q", &[("VisibilityTimeout", "69")]).await.unwrap();
    world.advance(5).await;
    let set = |attributes| {
        let input =
            SetQueueAttributesRequest { queue_url: world.url("q"), attributes: Some(texts(attributes)) };
        world.sqs.set_queue_attributes(&world.context, input)
    };
    set(&[("DelaySeconds", "420")]).await.unwrap();
    let attributes = world.attributes("q").await;
    assert_eq!((&*attributes["DelaySeconds"], &*attributes["VisibilityTimeout"]), ("420", "69"));
    assert_eq!(attributes["LastModifiedTimestamp"], "1706688314");
    refused(set(&[("FifoQueue", "true")]).await, "InvalidAttributeName", "Unknown Attribute FifoQueue.");

    let get = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).into()).collect();
        let input = GetQueueAttributesRequest { queue_url: world.url("q"), attribute_names: Some(names) };
        world.sqs.get_queue_attributes(&world.context, input)
    };
    assert_eq!(
        get(&["DelaySeconds", "Policy"]).await.unwrap().attributes,
        Some(texts(&[("DelaySeconds", "420")]))
    );
    assert_eq!(get(&[]).await.unwrap().attributes, None);
    refused(get(&["Colour"]).await, "InvalidAttributeName", "Unknown Attribute Colour.");
}

#[tokio::test]
async fn creating_again_is_the_same_unless_something_differs() {
    let world = World::new();
    let url = world.create("q", &[("DelaySeconds", "1")]).await.unwrap();
    assert_eq!(world.create("q", &[]).await.unwrap(), url);
    assert_eq!(world.create("q", &[("DelaySeconds", "1"), ("VisibilityTimeout", "30")]).await.unwrap(), url);
    refused(
        world.create("q", &[("DelaySeconds", "2")]).await,
        "QueueAlreadyExists",
        "A queue already exists with the same name and a different value for attribute DelaySeconds",
    );
}

#[tokio::test]
async fn names_have_rules() {
    let world = World::new();
    let standard = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    for name in ["a b", "q.fifo", "q/x", &"a".repeat(81)] {
        refused(world.create(name, &[]).await, "InvalidParameterValue", standard);
    }
    let fifo = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo \
                suffix and be 1 to 80 in length.";
    for name in ["q", ".fifo", &format!("{}.fifo", "a".repeat(76))] {
        refused(world.create(name, &[("FifoQueue", "true")]).await, "InvalidParameterValue", fifo);
    }
    refused(
        world.create("q", &[("FifoQueue", "false")]).await,
        "InvalidAttributeName",
        "Unknown Attribute FifoQueue.",
    );
    refused(
        world.create("", &[]).await,
        "MissingParameter",
        "The request must contain the parameter QueueName.",
    );
    assert!(world.create(&"a".repeat(80), &[]).await.is_ok());
}

#[tokio::test]
async fn a_deleted_queues_name_is_blocked_for_a_minute() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.send("q", "lost").await.unwrap();
    let delete = || {
        let input = DeleteQueueRequest { queue_url: world.url("q") };
        world.sqs.delete_queue(&world.context, input)
    };
    delete().await.unwrap();
    let missing = "The specified queue does not exist.";
    refused(world.send("q", "x").await, "AWS.SimpleQueueService.NonExistentQueue", missing);
    refused(delete().await, "AWS.SimpleQueueService.NonExistentQueue", missing);
    world.advance(59).await;
    refused(
        world.create("q", &[]).await,
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    );
    world.advance(1).await;
    world.create("q", &[]).await.unwrap();
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_url_is_understood_whatever_its_host_but_not_for_others_queues() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let attributes = |url: &str| {
        let input = GetQueueAttributesRequest { queue_url: Some(url.to_owned()), attribute_names: None };
        world.sqs.get_queue_attributes(&world.context, input)
    };
    for url in ["/000000000000/q", "https://sqs.eu-central-1.amazonaws.com/000000000000/q", "q"] {
        attributes(url).await.unwrap();
    }
    let foreign = "http://127.0.0.1:4566/111111111111/q";
    refused(
        attributes(foreign).await,
        "AccessDenied",
        &format!("Access to the resource {foreign} is denied."),
    );
    refused(attributes("").await, "MissingParameter", "The request must contain the parameter QueueUrl.");
    let elsewhere = context("000000000000", "us-east-1");
    let input = GetQueueUrlRequest { queue_name: Some("q".to_owned()), ..Default::default() };
    let missing = "The specified queue does not exist.";
    refused(
        world.sqs.get_queue_url(&elsewhere, input.clone()).await,
        "AWS.SimpleQueueService.NonExistentQueue",
        missing,
    );
    let found = world.sqs.get_queue_url(&world.context, input).await.unwrap();
    assert_eq!(found.queue_url, world.url("q"));
}

#[tokio::test]
async fn queues_are_listed_in_pages() {
    let world = World::new();
    for name in ["b1", "a1", "a3", "a2"] {
        world.create(name, &[]).await.unwrap();
    }
    let list = async |prefix: Option<&str>, max_results, next_token| -> Result<ListQueuesResult, Error> {
        let input =
            ListQueuesRequest { queue_name_prefix: prefix.map(str::to_owned), next_token, max_results };
        world.sqs.list_queues(&world.context, input).await
    };
    let names = |result: &ListQueuesResult| -> Vec<String> {
        let urls = result.queue_urls.iter().flatten();
        urls.map(|url| url.rsplit('/').next().unwrap().to_owned()).collect()
    };
    let all = list(None, None, None).await.unwrap();
    assert_eq!((names(&all), all.next_token), (["a1", "a2", "a3", "b1"].map(str::to_owned).to_vec(), None));
    let page = list(Some("a"), Some(2), None).await.unwrap();
    assert_eq!(names(&page), ["a1", "a2"]);
    let page = list(Some("a"), Some(2), page.next_token).await.unwrap();
    assert_eq!((names(&page), page.next_token), (vec!["a3".to_owned()], None));
    assert_eq!(list(Some("x"), None, None).await.unwrap(), ListQueuesResult::default());
    refused(
        list(None, Some(1_001), None).await,
        "InvalidParameterValue",
        "Value 1001 for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.",
    );
    assert_eq!(list(None, None, Some("?".to_owned())).await.unwrap_err().code(), "InvalidParameterValue");
}

#[tokio::test]
async fn a_queue_has_up_to_fifty_tags() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let tag = |tags| {
        let input = TagQueueRequest { queue_url: world.url("q"), tags: Some(tags) };
        world.sqs.tag_queue(&world.context, input)
    };
    let tags = async || {
        let input = ListQueueTagsRequest { queue_url: world.url("q") };
        world.sqs.list_queue_tags(&world.context, input).await.unwrap().tags
    };
    tag(texts(&[("one", "1"), ("two", "2"), ("three", "")])).await.unwrap();
    assert_eq!(tags().await, Some(texts(&[("one", "1"), ("two", "2"), ("three", "")])));
    let many = (0..48).map(|index| (format!("t{index}"), String::new())).collect();
    refused(tag(many).await, "InvalidParameterValue", "Too many tags added for queue q.");
    assert_eq!(tag(texts(&[("aws:x", "")])).await.unwrap_err().code(), "InvalidParameterValue");
    let input = UntagQueueRequest {
        queue_url: world.url("q"),
        tag_keys: Some(["one", "two", "three"].map(str::to_owned).to_vec()),
    };
    world.sqs.untag_queue(&world.context, input).await.unwrap();
    assert_eq!(tags().await, None);
}

#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.send("q", "gone").await.unwrap();
    let purge = || {
        let input = PurgeQueueRequest { queue_url: world.url("q") };
        world.sqs.purge_queue(&world.context, input)
    };
    purge().await.unwrap();
    world.send("q", "stays").await.unwrap();
    let error = purge().await.unwrap_err();
    assert_eq!(error.status(), 403);
    refused::<()>(
        Err(error),
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        "Only one PurgeQueue operation on q is allowed every 60 seconds.",
    );
    assert_eq!(world.bodies("q").await, ["stays"]);
    world.advance(60).await;
    purge().await.unwrap();
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
}
