//! `PurgeQueue`.

use std::time::Duration;

use api_sqs::PurgeQueueRequest;
use wire::{Context, Error};

use crate::errors::{purge_in_progress, queue_failed, queue_missing};
use crate::queue_url;
use crate::service::Inner;

/// "Only one PurgeQueue operation ... is allowed every 60 seconds."
const INTERVAL: Duration = Duration::from_secs(60);

pub(crate) async fn handle(inner: &Inner, context: &Context, input: PurgeQueueRequest) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let turn = inner.directory.turn().await;
    let now = inner.clock.now();
    let purged = turn.read(&queue.key).await?.ok_or_else(queue_missing)?.purged;
    if purged.is_some_and(|purged| now < purged + INTERVAL) {
        return Err(purge_in_progress(&queue.key.name));
    }
    queue.messages.purge().await.map_err(|error| queue_failed(&error))?;
    turn.change(&queue.key, |record| {
        record.purged = Some(now);
        Ok(())
    })
    .await
}
