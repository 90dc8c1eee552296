//! `CancelMessageMoveTask`: what has been moved stays where it is.

use api_sqs::{CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult};
use wire::{Context, Error};

use crate::background::move_tasks::{of_source, write};
use crate::errors::{missing, task_missing};
use crate::service::Inner;
use crate::tables::{MoveTask, TaskStatus};
use crate::{queue_arn, task_handle};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: CancelMessageMoveTaskRequest,
) -> Result<CancelMessageMoveTaskResult, Error> {
    let handle = input.task_handle.ok_or_else(|| missing("TaskHandle"))?;
    let (id, source_arn) = task_handle::decode(&handle)?;
    let source = queue_arn::find(inner, context, &source_arn, "SourceArn").await?;
    let turn = inner.directory.turn().await;
    let tasks = of_source(inner, &source.key).await?;
    // One that has ended cannot be cancelled any more.
    let task =
        tasks.into_iter().find(|task| task.id == id && task.status.is_active()).ok_or_else(task_missing)?;
    let moved = i64::try_from(task.moved).ok();
    write(inner, &MoveTask { status: TaskStatus::Cancelling, ..task }).await?;
    drop(turn);
    inner.move_tasks.stop(&source.key);
    Ok(CancelMessageMoveTaskResult { approximate_number_of_messages_moved: moved })
}
