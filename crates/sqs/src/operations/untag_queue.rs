//! `UntagQueue`.

use api_sqs::UntagQueueRequest;
use wire::{Context, Error};

use crate::errors::missing;
use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(inner: &Inner, context: &Context, input: UntagQueueRequest) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let names = input.tag_keys.filter(|names| !names.is_empty()).ok_or_else(|| missing("TagKeys"))?;
    let turn = inner.directory.turn().await;
    turn.change(&queue.key, |record| {
        record.tags.retain(|name, _| !names.contains(name));
        Ok(())
    })
    .await
}
