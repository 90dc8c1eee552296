//! `TagQueue`.

use api_sqs::TagQueueRequest;
use wire::{Context, Error};

use crate::errors::missing;
use crate::queue_url;
use crate::service::Inner;
use crate::tags::merge;

pub(crate) async fn handle(inner: &Inner, context: &Context, input: TagQueueRequest) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let tags = input.tags.filter(|tags| !tags.is_empty()).ok_or_else(|| missing("Tags"))?;
    let turn = inner.directory.turn().await;
    turn.change(&queue.key, |record| {
        record.tags = merge(&queue.key, &record.tags, tags)?;
        Ok(())
    })
    .await
}
