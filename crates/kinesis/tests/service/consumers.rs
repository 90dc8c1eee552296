//! Consumers: registered, described, listed, deregistered.

use std::collections::BTreeMap;

use api_kinesis::{
    Consumer, ConsumerDescription, ConsumerStatus, DeleteStreamInput, DeregisterStreamConsumerInput,
    DescribeStreamConsumerInput, Kinesis as _, ListStreamConsumersInput, ListStreamConsumersOutput,
    RegisterStreamConsumerInput,
};
use clock::Clock;
use wire::{Context, Error};

use crate::world::{START, World, context, refused};

impl World {
    pub(crate) async fn register(&self, name: &str) -> Result<Consumer, Error> {
        let input = RegisterStreamConsumerInput {
            stream_arn: self.arn("s"),
            consumer_name: name.to_owned(),
            ..Default::default()
        };
        self.kinesis.register_stream_consumer(&self.context, input).await.map(|output| output.consumer)
    }

    /// The ARN of one that can be used.
    pub(crate) async fn registered(&self, name: &str) -> String {
        let arn = self.register(name).await.unwrap().consumer_arn;
        self.settled().await;
        arn
    }

    async fn describe_consumer(
        &self,
        input: DescribeStreamConsumerInput,
    ) -> Result<ConsumerDescription, Error> {
        let output = self.kinesis.describe_stream_consumer(&self.context, input).await;
        output.map(|output| output.consumer_description)
    }

    pub(crate) async fn deregister(&self, arn: &str) -> Result<(), Error> {
        let input =
            DeregisterStreamConsumerInput { consumer_arn: Some(arn.to_owned()), ..Default::default() };
        self.kinesis.deregister_stream_consumer(&self.context, input).await
    }

    async fn list_consumers(
        &self,
        input: ListStreamConsumersInput,
    ) -> Result<ListStreamConsumersOutput, Error> {
        let input = ListStreamConsumersInput { stream_arn: self.arn("s"), ..input };
        self.kinesis.list_stream_consumers(&self.context, input).await
    }
}

fn by_arn(arn: &str) -> DescribeStreamConsumerInput {
    DescribeStreamConsumerInput { consumer_arn: Some(arn.to_owned()), ..Default::default() }
}

fn names(output: &ListStreamConsumersOutput) -> Vec<&str> {
    output.consumers.iter().flatten().map(|consumer| consumer.consumer_name.as_str()).collect()
}

const MISSING: &str = "Consumer c under stream s, account 000000000000 not found.";

#[tokio::test(start_paused = true)]
async fn a_consumer_comes_and_goes() {
    let world = World::with_stream(1).await;
    let registered = world.register("c").await.unwrap();
    let seconds = world.clock.now().as_secs();
    let arn = format!("{}/consumer/c:{seconds}", world.arn("s"));
    assert_eq!(registered.consumer_arn, arn);
    assert_eq!(registered.consumer_status, ConsumerStatus::Creating);
    assert_eq!(registered.consumer_creation_timestamp, START);
    assert_eq!(
        world.describe_consumer(by_arn(&arn)).await.unwrap().consumer_status,
        ConsumerStatus::Creating
    );
    let again = world.register("c").await;
    refused(
        again,
        "ResourceInUseException",
        "Consumer c under stream s, account 000000000000 already exists.",
    );

    world.settled().await;
    let by_name = DescribeStreamConsumerInput {
        stream_arn: Some(world.arn("s")),
        consumer_name: Some("c".to_owned()),
        ..Default::default()
    };
    let described = world.describe_consumer(by_name.clone()).await.unwrap();
    assert_eq!((described.consumer_status, described.consumer_arn), (ConsumerStatus::Active, arn.clone()));
    assert_eq!(described.stream_arn, world.arn("s"));
    assert_eq!(world.summary("s").await.consumer_count, Some(1));

    world.deregister(&arn).await.unwrap();
    let going = world.describe_consumer(by_name.clone()).await.unwrap();
    assert_eq!(going.consumer_status, ConsumerStatus::Deleting);
    world.settled().await;
    refused(world.describe_consumer(by_name).await, "ResourceNotFoundException", MISSING);
    refused(world.deregister(&arn).await, "ResourceNotFoundException", MISSING);

    world.advance(1).await;
    let other = world.registered("c").await;
    assert_ne!(other, arn);
    refused(world.describe_consumer(by_arn(&arn)).await, "ResourceNotFoundException", MISSING);
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_goes_on_after_a_restart() {
    let world = World::with_stream(1).await;
    let going = world.registered("going").await;
    world.deregister(&going).await.unwrap();
    let coming = world.register("coming").await.unwrap();
    let world = world.restarted();
    world.settled().await;
    let listed = world.list_consumers(ListStreamConsumersInput::default()).await.unwrap();
    assert_eq!(names(&listed), ["coming"]);
    let described = world.describe_consumer(by_arn(&coming.consumer_arn)).await.unwrap();
    assert_eq!(described.consumer_status, ConsumerStatus::Active);
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_so_many() {
    let world = World::with_stream(1).await;
    for number in 0..5 {
        world.register(&format!("c{number}")).await.unwrap();
    }
    let message = "Stream s under account 000000000000 has 5 consumers in CREATING status.";
    refused(world.register("c5").await, "LimitExceededException", message);
    world.settled().await;
    for number in 5..20 {
        world.registered(&format!("c{number}")).await;
    }
    let message = "Stream s under account 000000000000 has 20 consumers already.";
    refused(world.register("c20").await, "LimitExceededException", message);
    world.create("other", 1).await.unwrap();
    refused(
        world.kinesis.register_stream_consumer(&world.context, on(&world, "nowhere")).await,
        "ResourceNotFoundException",
        "Stream nowhere under account 000000000000 not found.",
    );
    refused(
        world.kinesis.register_stream_consumer(&world.context, on(&world, "other")).await,
        "ResourceInUseException",
        "Stream other under account 000000000000 not ACTIVE, instead in state CREATING",
    );
}

fn on(world: &World, stream: &str) -> RegisterStreamConsumerInput {
    RegisterStreamConsumerInput {
        stream_arn: world.arn(stream),
        consumer_name: "c".to_owned(),
        ..Default::default()
    }
}

#[tokio::test(start_paused = true)]
async fn tags_obey_the_rules() {
    let world = World::with_stream(1).await;
    let tagged = |name: &str| RegisterStreamConsumerInput {
        tags: Some(BTreeMap::from([(name.to_owned(), "v".to_owned())])),
        ..on(&world, "s")
    };
    let answer = world.kinesis.register_stream_consumer(&world.context, tagged("aws:x")).await;
    assert_eq!(answer.unwrap_err().code(), "InvalidArgumentException");
    world.kinesis.register_stream_consumer(&world.context, tagged("x")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn consumers_are_listed_in_pages() {
    let world = World::with_stream(1).await;
    for name in ["b", "a", "c"] {
        world.registered(name).await;
    }
    let input = ListStreamConsumersInput { max_results: Some(2), ..Default::default() };
    let first = world.list_consumers(input.clone()).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let more = ListStreamConsumersInput { next_token: first.next_token, ..input };
    let second = world.list_consumers(more.clone()).await.unwrap();
    assert_eq!((names(&second), second.next_token.as_ref()), (vec!["c"], None));
    assert_eq!(names(&world.list_consumers(ListStreamConsumersInput::default()).await.unwrap()).len(), 3);

    let both = ListStreamConsumersInput { stream_creation_timestamp: Some(START), ..more.clone() };
    refused(
        world.list_consumers(both).await,
        "InvalidArgumentException",
        "NextToken and StreamCreationTimestamp cannot be provided together.",
    );
    world.create("other", 1).await.unwrap();
    let elsewhere = ListStreamConsumersInput { stream_arn: world.arn("other"), ..more.clone() };
    let answer = world.kinesis.list_stream_consumers(&world.context, elsewhere).await;
    refused(answer, "InvalidArgumentException", "NextToken is that of another stream.");
    world.advance(301).await;
    assert_eq!(world.list_consumers(more).await.unwrap_err().code(), "ExpiredNextTokenException");
    let earlier = ListStreamConsumersInput {
        stream_creation_timestamp: Some(clock::Timestamp::from_millis(0)),
        ..Default::default()
    };
    refused(
        world.list_consumers(earlier).await,
        "ResourceNotFoundException",
        "Stream s under account 000000000000 not found.",
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumer_is_named_without_contradiction() {
    let world = World::with_stream(1).await;
    let arn = world.registered("c").await;
    let full = DescribeStreamConsumerInput {
        stream_arn: Some(world.arn("s")),
        consumer_name: Some("c".to_owned()),
        ..by_arn(&arn)
    };
    world.describe_consumer(full.clone()).await.unwrap();
    let other = DescribeStreamConsumerInput { consumer_name: Some("d".to_owned()), ..full.clone() };
    let contradiction = "ConsumerARN, StreamARN and ConsumerName do not name the same consumer.";
    refused(world.describe_consumer(other).await, "InvalidArgumentException", contradiction);
    let half = DescribeStreamConsumerInput { consumer_arn: None, consumer_name: None, ..full };
    let missing = "Either ConsumerARN or both StreamARN and ConsumerName must be specified.";
    refused(world.describe_consumer(half).await, "InvalidArgumentException", missing);
    let stream = world.arn("s");
    let message = format!("ConsumerARN {stream} is invalid.");
    refused(world.describe_consumer(by_arn(&stream)).await, "InvalidArgumentException", &message);

    let describe_as = async |context: Context| {
        world.kinesis.describe_stream_consumer(&context, by_arn(&arn)).await.unwrap_err()
    };
    assert_eq!(describe_as(context("111111111111", "eu-central-1")).await.code(), "AccessDeniedException");
    assert_eq!(describe_as(context("000000000000", "us-east-1")).await.code(), "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn consumers_hold_their_stream_back_and_go_with_it() {
    let world = World::with_stream(1).await;
    world.registered("c").await;
    let delete = async |enforce: Option<bool>| {
        let input = DeleteStreamInput {
            stream_name: Some("s".to_owned()),
            enforce_consumer_deletion: enforce,
            ..Default::default()
        };
        world.kinesis.delete_stream(&world.context, input).await
    };
    for enforce in [None, Some(false)] {
        assert_eq!(delete(enforce).await.unwrap_err().code(), "ResourceInUseException");
    }
    delete(Some(true)).await.unwrap();
    world.settled().await;
    world.create("s", 1).await.unwrap();
    world.settled().await;
    assert_eq!(names(&world.list_consumers(ListStreamConsumersInput::default()).await.unwrap()), [""; 0]);
}
