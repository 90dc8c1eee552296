//! Message move tasks.

use std::time::Duration;

use api_sqs::{
    CancelMessageMoveTaskRequest, DeleteQueueRequest, ListMessageMoveTasksRequest,
    ListMessageMoveTasksResultEntry, Sqs as _, StartMessageMoveTaskRequest,
};
use clock::Clock;
use targets::{Agenda, Due};
use wire::Error;

use crate::world::{World, refused};

/// A world with `count` dead letters of `source` in `dlq`.
async fn world(count: usize) -> World {
    let world = World::new();
    world.create_with_dead_letter_queue(1).await;
    for index in 0..count {
        world.send("source", &format!("m{index}")).await.unwrap();
    }
    while visible(&world, "source").await > 0 {
        world.receive("source").await;
    }
    assert_eq!(visible(&world, "dlq").await, count);
    world
}

async fn visible(world: &World, queue: &str) -> usize {
    world.attribute(queue, "ApproximateNumberOfMessages").await.parse().unwrap()
}

async fn start(
    world: &World,
    destination: Option<&str>,
    max_per_second: Option<i32>,
) -> Result<String, Error> {
    let input = StartMessageMoveTaskRequest {
        source_arn: Some(world.arn("dlq")),
        destination_arn: destination.map(|name| world.arn(name)),
        max_number_of_messages_per_second: max_per_second,
    };
    let result = world.sqs.start_message_move_task(&world.context, input).await?;
    Ok(result.task_handle.unwrap())
}

async fn list(world: &World) -> Vec<ListMessageMoveTasksResultEntry> {
    let input = ListMessageMoveTasksRequest { source_arn: Some(world.arn("dlq")), max_results: Some(10) };
    world.sqs.list_message_move_tasks(&world.context, input).await.unwrap().results.unwrap_or_default()
}

/// Status, moved, to move.
async fn latest(world: &World) -> (String, i64, i64) {
    let task = list(world).await.remove(0);
    (
        task.status.unwrap(),
        task.approximate_number_of_messages_moved.unwrap(),
        task.approximate_number_of_messages_to_move.unwrap(),
    )
}

#[tokio::test]
async fn dead_letters_go_back_to_where_they_came_from() {
    let world = world(3).await;
    start(&world, None, None).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(latest(&world).await, ("COMPLETED".to_owned(), 3, 3));
    let task = list(&world).await.remove(0);
    assert_eq!((task.task_handle, task.destination_arn), (None, None));
    assert_eq!(task.started_timestamp, Some(world.clock.now().as_millis()));
    assert_eq!((visible(&world, "dlq").await, visible(&world, "source").await), (0, 3));
}

#[tokio::test]
async fn dead_letters_go_to_another_queue() {
    let world = world(2).await;
    world.create("other", &[]).await.unwrap();
    start(&world, Some("other"), None).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(latest(&world).await, ("COMPLETED".to_owned(), 2, 2));
    assert_eq!(visible(&world, "other").await, 2);
}

#[tokio::test]
async fn a_task_keeps_to_its_rate_and_can_be_cancelled() {
    let world = world(10).await;
    let handle = start(&world, None, Some(2)).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(latest(&world).await, ("RUNNING".to_owned(), 2, 10));
    assert_eq!(list(&world).await[0].task_handle, Some(handle.clone()));
    let [Due { at, resource, .. }] = &world.sqs.due(10).await[..] else { panic!("one task waits") };
    assert_eq!((*at, resource), (world.clock.now() + Duration::from_secs(1), &world.arn("dlq")));
    refused(
        start(&world, None, None).await,
        "InvalidParameterValue",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    );
    world.clock.advance_to(world.clock.now() + Duration::from_millis(1_999)).await;
    assert_eq!(latest(&world).await, ("RUNNING".to_owned(), 4, 10));
    let cancel = || {
        let input = CancelMessageMoveTaskRequest { task_handle: Some(handle.clone()) };
        world.sqs.cancel_message_move_task(&world.context, input)
    };
    assert_eq!(cancel().await.unwrap().approximate_number_of_messages_moved, Some(4));
    world.advance(60).await;
    assert_eq!(latest(&world).await, ("CANCELLED".to_owned(), 4, 10));
    assert_eq!(world.sqs.due(10).await, []);
    refused(cancel().await, "ResourceNotFoundException", "Task does not exist.");
    assert_eq!((visible(&world, "dlq").await, visible(&world, "source").await), (6, 4));
}

#[tokio::test]
async fn a_task_goes_on_after_a_restart() {
    let world = world(5).await;
    start(&world, None, Some(1)).await.unwrap();
    world.advance(1).await;
    assert_eq!(latest(&world).await, ("RUNNING".to_owned(), 2, 5));
    let world = world.restarted();
    // Until the task has been found, nothing holds the time.
    while latest(&world).await.1 < 3 {
        tokio::task::yield_now().await;
    }
    world.advance(10).await;
    assert_eq!(latest(&world).await, ("COMPLETED".to_owned(), 5, 5));
    assert_eq!(visible(&world, "source").await, 5);
}

#[tokio::test]
async fn what_did_not_come_from_a_queue_has_nowhere_to_go() {
    let world = world(1).await;
    world.send("dlq", "sent here").await.unwrap();
    start(&world, None, None).await.unwrap();
    world.clock.quiet().await;
    assert_eq!(latest(&world).await, ("FAILED".to_owned(), 1, 2));
    assert_eq!(list(&world).await[0].failure_reason.as_deref(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(visible(&world, "dlq").await, 1);
}

#[tokio::test]
async fn a_task_fails_when_its_destination_goes() {
    let world = world(3).await;
    world.create("other", &[]).await.unwrap();
    start(&world, Some("other"), Some(1)).await.unwrap();
    world.clock.quiet().await;
    let input = DeleteQueueRequest { queue_url: world.url("other") };
    world.sqs.delete_queue(&world.context, input).await.unwrap();
    world.advance(5).await;
    assert_eq!(latest(&world).await, ("FAILED".to_owned(), 1, 3));
    let reason = list(&world).await.remove(0).failure_reason;
    assert_eq!(reason.as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
}

#[tokio::test]
async fn tasks_that_make_no_sense_are_refused() {
    let world = world(0).await;
    world.create("plain", &[]).await.unwrap();
    world.create("plain.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let missing = "The resource that you specified for the DestinationArn parameter doesn't exist.";
    refused(start(&world, Some("missing"), None).await, "ResourceNotFoundException", missing);
    let same = "Source queue arn and destination queue arn cannot be the same.";
    refused(start(&world, Some("dlq"), None).await, "InvalidParameterValue", same);
    let kinds = "The source queue and destination queue must be of the same queue type.";
    refused(start(&world, Some("plain.fifo"), None).await, "InvalidParameterValue", kinds);
    for rate in [0, 501] {
        let message = "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's \
                       between 1 and 500.";
        refused(start(&world, None, Some(rate)).await, "InvalidParameterValue", message);
    }
    let from = |arn: &str| {
        let input = StartMessageMoveTaskRequest { source_arn: Some(arn.to_owned()), ..Default::default() };
        world.sqs.start_message_move_task(&world.context, input)
    };
    refused(
        from(&world.arn("plain")).await,
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    );
    refused(
        from(&world.arn("missing")).await,
        "ResourceNotFoundException",
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    );
    refused(
        from("dlq").await,
        "InvalidParameterValue",
        "You must use this format to specify the SourceArn: arn:<partition>:<service>:<region>:<account-id>:<resource-id>",
    );
    let input = CancelMessageMoveTaskRequest { task_handle: Some("foobared".to_owned()) };
    refused(
        world.sqs.cancel_message_move_task(&world.context, input).await,
        "InvalidParameterValue",
        "Value for parameter TaskHandle is invalid.",
    );
}
