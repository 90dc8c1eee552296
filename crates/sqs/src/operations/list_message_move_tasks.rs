//! `ListMessageMoveTasks`.

use api_sqs::{ListMessageMoveTasksRequest, ListMessageMoveTasksResult, ListMessageMoveTasksResultEntry};
use wire::{Context, Error};

use crate::background::move_tasks::of_source;
use crate::batch::unless_empty;
use crate::errors::{invalid_value, missing};
use crate::service::Inner;
use crate::tables::{MoveTask, QueueKey, TaskStatus};
use crate::{queue_arn, task_handle};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: ListMessageMoveTasksRequest,
) -> Result<ListMessageMoveTasksResult, Error> {
    let source_arn = input.source_arn.ok_or_else(|| missing("SourceArn"))?;
    let source = queue_arn::find(inner, context, &source_arn, "SourceArn").await?;
    let count = input.max_results.unwrap_or(1);
    let limit = usize::try_from(count).ok().filter(|limit| (1..=10).contains(limit)).ok_or_else(|| {
        invalid_value(count, "MaxResults", "You must enter a number that's between 1 and 10.")
    })?;
    let tasks = of_source(inner, &source.key).await?;
    Ok(ListMessageMoveTasksResult { results: unless_empty(tasks.iter().take(limit).map(shown).collect()) })
}

fn shown(task: &MoveTask) -> ListMessageMoveTasksResultEntry {
    let count = |count: u64| i64::try_from(count).ok();
    ListMessageMoveTasksResultEntry {
        // Only a task that can be cancelled has a handle.
        task_handle: (task.status == TaskStatus::Running).then(|| task_handle::encode(task)),
        status: Some(task.status.name().to_owned()),
        source_arn: Some(task.source.arn()),
        destination_arn: task.destination.as_ref().map(QueueKey::arn),
        max_number_of_messages_per_second: task.max_per_second.and_then(|rate| rate.try_into().ok()),
        approximate_number_of_messages_moved: count(task.moved),
        approximate_number_of_messages_to_move: count(task.to_move),
        failure_reason: task.failure.clone(),
        started_timestamp: Some(task.started.as_millis()),
    }
}
