//! `StartMessageMoveTask`: messages leave a dead-letter queue, for where they came from or another queue.

use std::sync::Arc;

use api_sqs::{StartMessageMoveTaskRequest, StartMessageMoveTaskResult};
use store::Transaction;
use wire::{Context, Error};

use crate::attributes::behaviour;
use crate::background::move_tasks::{of_source, spawn};
use crate::directory::OpenQueue;
use crate::errors::{commit_failed, invalid, missing, queue_failed, store_failed};
use crate::service::Inner;
use crate::tables::{MOVE_TASKS, MoveTask, QueueKey, TaskStatus};
use crate::{queue_arn, task_handle};

/// "ListMessageMoveTasks: Gets the most recent message movement tasks (up to 10)" (API reference).
const TASKS_KEPT: usize = 10;
/// Records that are read at a time.
const ROWS: usize = 500;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: StartMessageMoveTaskRequest,
) -> Result<StartMessageMoveTaskResult, Error> {
    let source_arn = input.source_arn.ok_or_else(|| missing("SourceArn"))?;
    let source = queue_arn::find(inner, context, &source_arn, "SourceArn").await?;
    let max_per_second = input.max_number_of_messages_per_second.map(checked_rate).transpose()?;
    let destination = match &input.destination_arn {
        None => None,
        Some(arn) => Some(checked_destination(inner, context, &source, arn).await?),
    };
    if !is_dead_letter_queue(inner, &source.key).await? {
        return Err(invalid("Source queue must be configured as a Dead Letter Queue."));
    }
    let counters = source.messages.counters().await.map_err(|error| queue_failed(&error))?;
    let turn = inner.directory.turn().await;
    let tasks = of_source(inner, &source.key).await?;
    if tasks.iter().any(|task| task.status.is_active()) {
        return Err(invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ));
    }
    let task = MoveTask {
        id: inner.ids.request_id().to_string(),
        source: source.key.clone(),
        destination,
        max_per_second,
        started: inner.clock.now(),
        status: TaskStatus::Running,
        moved: 0,
        to_move: counters.visible,
        failure: None,
    };
    let mut transaction = Transaction::new();
    for old in tasks.iter().skip(TASKS_KEPT - 1) {
        MOVE_TASKS.delete(&mut transaction, &old.parts());
    }
    MOVE_TASKS.put(&mut transaction, &task.parts(), &task).map_err(|error| store_failed(&error))?;
    // Virtual time does not move on before the messages have.
    let hold = inner.clock.hold();
    inner.store.commit(transaction).await.map_err(|error| commit_failed(&error))?;
    drop(turn);
    let handle = task_handle::encode(&task);
    spawn(inner, task, hold);
    Ok(StartMessageMoveTaskResult { task_handle: Some(handle) })
}

fn checked_rate(rate: i32) -> Result<u32, Error> {
    let rate = u32::try_from(rate).ok().filter(|rate| (1..=500).contains(rate));
    rate.ok_or_else(|| {
        invalid(
            "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and \
             500.",
        )
    })
}

async fn checked_destination(
    inner: &Inner,
    context: &Context,
    source: &OpenQueue,
    arn: &str,
) -> Result<QueueKey, Error> {
    let destination = queue_arn::find(inner, context, arn, "DestinationArn").await?.key.clone();
    if destination == source.key {
        return Err(invalid("Source queue arn and destination queue arn cannot be the same."));
    }
    if destination.is_fifo() != source.is_fifo() {
        return Err(invalid("The source queue and destination queue must be of the same queue type."));
    }
    Ok(destination)
}

/// Whether some queue's messages may go on to this one.
async fn is_dead_letter_queue(inner: &Inner, key: &QueueKey) -> Result<bool, Error> {
    let mut after: Option<String> = None;
    loop {
        let page = inner.directory.list(&key.account, &key.region, after.as_deref(), ROWS).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        after = Some(last.clone());
        let is_source = |(name, record): &(String, _)| {
            let source = QueueKey { name: name.clone(), ..key.clone() };
            behaviour(record, &source).redrive.is_some_and(|policy| policy.target == *key)
        };
        if page.iter().any(is_source) {
            return Ok(true);
        }
    }
}
