//! Message move tasks: they go on after a restart, since what is left to do is in the queues and in their rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::{Hold, Timestamp, execution_sleep};
use queue::{FindQueue, MoveTo, Moved, QueueError};
use store::Transaction;
use targets::Due;
use tokio::sync::Notify;
use wire::Error;

use crate::directory::OpenQueue;
use crate::errors::{commit_failed, read_failed, store_failed};
use crate::service::Inner;
use crate::tables::{MOVE_TASKS, MoveTask, QueueKey, TaskStatus};

/// Messages that are moved in one commit, when no rate is asked for.
const MESSAGES_PER_COMMIT: usize = 100;
/// How long is waited when the store fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// Rows that are read at a time.
const ROWS: usize = 500;

/// Failure reasons: "Troubleshoot Amazon SQS dead-letter queue redrive issues" in the developer guide.
const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";
const NO_SOURCE: &str = "CouldNotDetermineMessageSource";

/// The tasks that run, by their source.
#[derive(Debug, Default)]
pub(crate) struct MoveTasks(Mutex<HashMap<QueueKey, Running>>);

/// A task that runs.
#[derive(Debug)]
struct Running {
    id: String,
    wake: Arc<Notify>,
    /// When it goes on, while it waits for its rate's sake.
    next: Option<Timestamp>,
}

impl MoveTasks {
    /// The task that moves messages out of `source` is to look how it stands.
    pub(crate) fn stop(&self, source: &QueueKey) {
        if let Some(running) = self.running().get(source) {
            running.wake.notify_one();
        }
    }

    /// Those that wait, and when they go on.
    pub(crate) fn due(&self) -> Vec<Due> {
        let due = |(source, running): (&QueueKey, &Running)| {
            let (what, resource) = ("messages are moved on".to_owned(), source.arn());
            running.next.map(|at| Due { at, what, resource, id: running.id.clone() })
        };
        self.running().iter().filter_map(due).collect()
    }

    fn set_next(&self, task: &MoveTask, next: Option<Timestamp>) {
        if let Some(running) = self.running().get_mut(&task.source).filter(|running| running.id == task.id) {
            running.next = next;
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<QueueKey, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes on with the tasks that were under way.
pub(crate) async fn resume(inner: Arc<Inner>) {
    loop {
        match active(&inner).await {
            Ok(tasks) => {
                for task in tasks {
                    spawn(&inner, task, inner.clock.hold());
                }
                return;
            }
            // It was logged.
            Err(_) => execution_sleep(STORE_PAUSE).await,
        }
    }
}

async fn active(inner: &Inner) -> Result<Vec<MoveTask>, Error> {
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let (mut active, mut after) = (Vec::new(), None);
    loop {
        let rows = MOVE_TASKS.list(&*snapshot, &[], after.as_deref(), ROWS).await;
        let rows = rows.map_err(|error| store_failed(&error))?;
        let Some(last) = rows.last() else { return Ok(active) };
        after = Some(last.key.clone());
        active.extend(rows.into_iter().map(|row| row.record).filter(|task| task.status.is_active()));
    }
}

/// Runs a task whose row is stored. Virtual time waits for it as far as it does not wait for time itself.
pub(crate) fn spawn(inner: &Arc<Inner>, task: MoveTask, hold: Hold) {
    let wake = Arc::new(Notify::new());
    let running = Running { id: task.id.clone(), wake: wake.clone(), next: None };
    inner.move_tasks.running().insert(task.source.clone(), running);
    let inner_too = inner.clone();
    inner.tasks.spawn_until_shutdown("sqs-move-task", async move {
        run(&inner_too, &task, &wake, hold).await;
        let mut running = inner_too.move_tasks.running();
        // A later task may have taken the place.
        if running.get(&task.source).is_some_and(|present| Arc::ptr_eq(&present.wake, &wake)) {
            running.remove(&task.source);
        }
    });
}

async fn run(inner: &Arc<Inner>, task: &MoveTask, wake: &Notify, mut hold: Hold) {
    loop {
        match step(inner, task).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => {
                execution_sleep(STORE_PAUSE).await;
                continue;
            }
        }
        if task.max_per_second.is_some() {
            let next = inner.clock.now() + Duration::from_secs(1);
            let wait = inner.clock.sleep_until(next);
            inner.move_tasks.set_next(task, Some(next));
            drop(hold);
            hold = tokio::select! {
                hold = wait => hold,
                () = wake.notified() => inner.clock.hold(),
            };
            inner.move_tasks.set_next(task, None);
        }
    }
}

/// Moves some messages and writes down how the task stands. Returns whether there is more to do.
async fn step(inner: &Arc<Inner>, task: &MoveTask) -> Result<bool, Error> {
    if !record(inner, task, |_| {}).await? {
        return Ok(false);
    }
    let Some(source) = inner.directory.find_key(&task.source).await? else { return Ok(false) };
    let result = match destination(inner, task).await? {
        Some(to) => move_some(&source, &to, task).await,
        None => Err(QueueError::Removed),
    };
    let end = |status, reason: Option<&str>| (status, reason.map(str::to_owned));
    let ended = match &result {
        Ok(Moved { moved: 0, unresolved: 0 }) => Some(end(TaskStatus::Completed, None)),
        Ok(Moved { moved: 0, .. }) => Some(end(TaskStatus::Failed, Some(NO_SOURCE))),
        Ok(_) => None,
        Err(QueueError::Store(error)) => return Err(commit_failed(error)),
        Err(_) => Some(end(TaskStatus::Failed, Some(NO_QUEUE))),
    };
    let moved = result.map_or(0, |result| result.moved as u64);
    record(inner, task, |row| {
        row.moved += moved;
        if let Some((status, failure)) = ended {
            row.status = status;
            row.failure = failure;
        }
    })
    .await
}

async fn move_some(source: &OpenQueue, to: &MoveTo, task: &MoveTask) -> Result<Moved, QueueError> {
    let limit = task.max_per_second.map_or(MESSAGES_PER_COMMIT, |rate| rate as usize);
    source.messages.move_messages(to, limit).await
}

/// Where the messages go; `None` when that queue is gone.
async fn destination(inner: &Arc<Inner>, task: &MoveTask) -> Result<Option<MoveTo>, Error> {
    if let Some(key) = &task.destination {
        let queue = inner.directory.find_key(key).await?;
        return Ok(queue.map(|queue| MoveTo::Queue(queue.messages.clone())));
    }
    // Any queue of the place may be where a message came from; they have to be open.
    let (account, region) = (&task.source.account, &task.source.region);
    let mut after: Option<String> = None;
    loop {
        let page = inner.directory.list(account, region, after.as_deref(), ROWS).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (name, _) in &page {
            inner.directory.find(account, region, name).await?;
        }
    }
    let directory = inner.directory.clone();
    let find: FindQueue = Arc::new(move |arn: &str| {
        let key = QueueKey::of_arn(&ids::Arn::parse(arn).ok()?)?;
        Some(directory.get(&key.account, &key.region, &key.name)?.messages.clone())
    });
    Ok(Some(MoveTo::Sources(find)))
}

/// Changes the task's row, and ends the task if it is being cancelled. Returns whether it is to go on.
async fn record(inner: &Inner, task: &MoveTask, change: impl FnOnce(&mut MoveTask)) -> Result<bool, Error> {
    let _turn = inner.directory.turn().await;
    let row = MOVE_TASKS.get_now(&*inner.store, &task.parts()).await.map_err(|error| store_failed(&error))?;
    // The source was deleted, and its tasks with it.
    let Some(row) = row else { return Ok(false) };
    let mut changed = row.record.clone();
    if !changed.status.is_active() {
        return Ok(false);
    }
    change(&mut changed);
    if changed.status == TaskStatus::Cancelling {
        changed.status = TaskStatus::Cancelled;
    }
    if changed != row.record {
        write(inner, &changed).await?;
    }
    Ok(changed.status.is_active())
}

/// Writes a task's row.
pub(crate) async fn write(inner: &Inner, task: &MoveTask) -> Result<(), Error> {
    let mut transaction = Transaction::new();
    MOVE_TASKS.put(&mut transaction, &task.parts(), task).map_err(|error| store_failed(&error))?;
    inner.store.commit(transaction).await.map(|_| ()).map_err(|error| commit_failed(&error))
}

/// The tasks of a source, the latest first.
pub(crate) async fn of_source(inner: &Inner, source: &QueueKey) -> Result<Vec<MoveTask>, Error> {
    let snapshot = inner.store.snapshot().await.map_err(read_failed)?;
    let rows = MOVE_TASKS.list(&*snapshot, &source.parts(), None, ROWS).await;
    let rows = rows.map_err(|error| store_failed(&error))?;
    Ok(rows.into_iter().rev().map(|row| row.record).collect())
}
