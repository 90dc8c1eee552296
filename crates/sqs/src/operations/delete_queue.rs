//! `DeleteQueue`: the queue, its messages and its tasks go in one commit.

use api_sqs::DeleteQueueRequest;
use queue::Queues;
use store::Transaction;
use targets::Settled;
use wire::{Context, Error};

use super::create_queue::NAME_BLOCKED;
use crate::directory::Turn;
use crate::errors::commit_failed;
use crate::queue_url;
use crate::service::Inner;
use crate::tables::{MOVE_TASKS, QUEUES, QueueKey};

pub(crate) async fn handle(inner: &Inner, context: &Context, input: DeleteQueueRequest) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let mut turn = inner.directory.turn().await;
    // Somebody else may have deleted it, and even made another one, while this one waited.
    let Some(record) = turn.read(&queue.key).await? else { return Ok(()) };
    remove(inner, &turn, &inner.queues, &queue.key, &record.id).await?;
    let now = inner.clock.now();
    turn.deleted.retain(|_, deleted| now < *deleted + NAME_BLOCKED);
    turn.deleted.insert(queue.key.clone(), now);
    inner.move_tasks.stop(&queue.key);
    turn.tell_sources(&queue.key).await
}

async fn remove(
    inner: &Inner,
    turn: &Turn<'_>,
    queues: &Queues,
    key: &QueueKey,
    id: &queue::QueueId,
) -> Result<(), Error> {
    let mut removal = queues.prepare_remove(id);
    let mut transaction = Transaction::new();
    removal.join(&mut transaction);
    QUEUES.delete(&mut transaction, &key.parts());
    MOVE_TASKS.delete_all(&mut transaction, &key.parts());
    let committed = inner.store.commit(transaction).await;
    turn.forget(key);
    match committed {
        Ok(_) => {
            removal.committed();
            Ok(())
        }
        Err(error) => {
            let is_unknown = matches!(error, store::CommitError::Unknown(_));
            removal.settle(if is_unknown { Settled::Unknown } else { Settled::Abandoned });
            Err(commit_failed(&error))
        }
    }
}
