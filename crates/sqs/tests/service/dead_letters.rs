//! Redrive policies and what they may lead to.

use api_sqs::{DeleteQueueRequest, ListDeadLetterSourceQueuesRequest, SetQueueAttributesRequest, Sqs as _};

use crate::world::{World, refused, texts};

fn policy(arn: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#)
}

async fn set(world: &World, queue: &str, name: &str, value: &str) -> Result<(), wire::Error> {
    let input =
        SetQueueAttributesRequest { queue_url: world.url(queue), attributes: Some(texts(&[(name, value)])) };
    world.sqs.set_queue_attributes(&world.context, input).await
}

#[tokio::test]
async fn a_message_that_was_received_too_often_goes_on() {
    let world = World::new();
    world.create_with_dead_letter_queue(2).await;
    let id = world.send("source", "poison").await.unwrap().message_id;
    assert_eq!(world.bodies("source").await, ["poison"]);
    assert_eq!(world.bodies("source").await, ["poison"]);
    assert_eq!(world.bodies("source").await, Vec::<String>::new());
    let dead = world.receive("dlq").await.remove(0);
    assert_eq!(dead.message_id, id);
    assert_eq!(dead.attributes.unwrap()["DeadLetterQueueSourceArn"], world.arn("source"));
}

#[tokio::test]
async fn a_target_must_be_there_and_be_fit() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let cases = [
        (policy(&world.arn("missing")), "Dead letter target does not exist."),
        (policy(&world.arn("q.fifo")), "Dead-letter queue must be same type of queue as the source."),
        (policy(&world.arn("q")), "The dead-letter target must not be the queue itself."),
        (
            policy("arn:aws:sqs:eu-central-1:111111111111:q"),
            "Dead-letter target owner and region should be same as the source.",
        ),
    ];
    for (policy, reason) in cases {
        let message = format!("Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}");
        refused(set(&world, "q", "RedrivePolicy", &policy).await, "InvalidParameterValue", &message);
    }
    let missing = policy(&world.arn("missing"));
    assert!(world.create("new", &[("RedrivePolicy", &missing)]).await.is_err());
}

#[tokio::test]
async fn a_dead_letter_queue_decides_whose_it_is() {
    let world = World::new();
    for name in ["dlq", "one", "two"] {
        world.create(name, &[]).await.unwrap();
    }
    let allow = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, world.arn("one"));
    set(&world, "dlq", "RedriveAllowPolicy", &allow).await.unwrap();
    set(&world, "one", "RedrivePolicy", &policy(&world.arn("dlq"))).await.unwrap();
    let error = set(&world, "two", "RedrivePolicy", &policy(&world.arn("dlq"))).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue");
    set(&world, "dlq", "RedriveAllowPolicy", "").await.unwrap();
    set(&world, "two", "RedrivePolicy", &policy(&world.arn("dlq"))).await.unwrap();
}

#[tokio::test]
async fn sources_are_listed() {
    let world = World::new();
    world.create("dlq", &[]).await.unwrap();
    for name in ["one", "two", "three"] {
        world.create(name, &[("RedrivePolicy", &policy(&world.arn("dlq")))]).await.unwrap();
    }
    set(&world, "two", "RedrivePolicy", "").await.unwrap();
    let list = |max_results, next_token| {
        let input =
            ListDeadLetterSourceQueuesRequest { queue_url: world.url("dlq"), next_token, max_results };
        world.sqs.list_dead_letter_source_queues(&world.context, input)
    };
    let all = list(None, None).await.unwrap();
    assert_eq!(all.queue_urls, Some(vec![world.url("one").unwrap(), world.url("three").unwrap()]));
    let page = list(Some(1), None).await.unwrap();
    let page = list(Some(1), page.next_token).await.unwrap();
    assert_eq!((page.queue_urls, page.next_token), (Some(vec![world.url("three").unwrap()]), None));
}

/// Whoever makes the dead-letter queue anew, as deployments do, gets the dead letters of those that are there.
#[tokio::test]
async fn a_dead_letter_queue_that_is_made_anew_is_found() {
    let world = World::new();
    world.create_with_dead_letter_queue(1).await;
    let input = DeleteQueueRequest { queue_url: world.url("dlq") };
    world.sqs.delete_queue(&world.context, input).await.unwrap();
    world.send("source", "poison").await.unwrap();
    for _ in 0..3 {
        assert_eq!(world.bodies("source").await, ["poison"]);
    }
    world.advance(60).await;
    world.create("dlq", &[]).await.unwrap();
    assert_eq!(world.bodies("source").await, Vec::<String>::new());
    assert_eq!(world.bodies("dlq").await, ["poison"]);
}
