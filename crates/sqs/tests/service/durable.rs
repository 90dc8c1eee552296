//! What the store does when it must not be trusted to answer.

use api_sqs::{ListQueueTagsRequest, SetQueueAttributesRequest, Sqs as _, TagQueueRequest};
use store::{Applied, CommitError};
use targets::Agenda;

use crate::world::{World, texts};

#[tokio::test]
async fn queues_and_messages_survive_a_restart() {
    let world = World::new();
    world.create_with_dead_letter_queue(1).await;
    world.send("source", "x").await.unwrap();
    let world = world.restarted();
    assert_eq!(world.bodies("source").await, ["x"]);
    assert_eq!(world.bodies("source").await, Vec::<String>::new());
    assert_eq!(world.bodies("dlq").await, ["x"]);
    assert!(world.create("source", &[("VisibilityTimeout", "0")]).await.is_ok());
}

#[tokio::test]
async fn what_waits_is_named_by_its_queue_although_nobody_used_it_yet() {
    let world = World::new();
    world.create("q", &[("VisibilityTimeout", "30")]).await.unwrap();
    world.send("q", "x").await.unwrap();
    assert_eq!(world.bodies("q").await, ["x"]);
    let world = world.restarted();
    let due = world.sqs.due(10).await;
    assert_eq!(due.iter().map(|due| due.resource.as_str()).collect::<Vec<_>>(), [world.arn("q")]);
}

#[tokio::test]
async fn a_change_whose_outcome_is_unknown_is_looked_up() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let set = |value| {
        let attributes = Some(texts(&[("DelaySeconds", value)]));
        let input = SetQueueAttributesRequest { queue_url: world.url("q"), attributes };
        world.sqs.set_queue_attributes(&world.context, input)
    };
    world.store.fail_next_commit(CommitError::Unknown("the disk went away".to_owned()), Applied::Yes);
    assert_eq!(set("7").await.unwrap_err().status(), 503);
    assert_eq!(world.attribute("q", "DelaySeconds").await, "7");
    world.store.fail_next_commit(CommitError::Unavailable("the disk is full".to_owned()), Applied::No);
    assert_eq!(set("8").await.unwrap_err().status(), 503);
    assert_eq!(world.attribute("q", "DelaySeconds").await, "7");
}

#[tokio::test]
async fn what_was_not_stored_was_not_sent() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    world.store.fail_next_commit(CommitError::Unavailable("the disk is full".to_owned()), Applied::No);
    assert_eq!(world.send("q", "x").await.unwrap_err().status(), 503);
    assert_eq!(world.bodies("q").await, Vec::<String>::new());
    assert_eq!(world.figures.take(), ["q NumberOfEmptyReceives 1"]);
    world.send("q", "y").await.unwrap();
    assert_eq!(world.bodies("q").await, ["y"]);
}

/// Changes at the same time are all made.
#[tokio::test]
async fn changes_do_not_get_lost() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    let tag = async |name: String| {
        let input = TagQueueRequest { queue_url: world.url("q"), tags: Some(texts(&[(&name, "")])) };
        world.sqs.tag_queue(&world.context, input).await.unwrap();
    };
    futures_all((0..20).map(|index| tag(format!("t{index}")))).await;
    let input = ListQueueTagsRequest { queue_url: world.url("q") };
    let tags = world.sqs.list_queue_tags(&world.context, input).await.unwrap().tags.unwrap();
    assert_eq!(tags.len(), 20);
}

/// Polls all at once.
async fn futures_all(futures: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
