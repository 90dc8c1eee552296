//! `SetQueueAttributes`.

use api_sqs::SetQueueAttributesRequest;
use wire::{Context, Error};

use crate::attributes;
use crate::dead_letter::check_target;
use crate::errors::{missing, queue_missing};
use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: SetQueueAttributesRequest,
) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let given =
        input.attributes.filter(|given| !given.is_empty()).ok_or_else(|| missing("Attribute.Name"))?;
    let turn = inner.directory.turn().await;
    let present = turn.read(&queue.key).await?.ok_or_else(queue_missing)?.attributes;
    let set = attributes::set(&present, &given, &queue.key)?;
    check_target(&turn, &queue.key, &set, given.get("RedrivePolicy")).await?;
    turn.change(&queue.key, |record| {
        record.attributes = set;
        record.modified = inner.clock.now();
        Ok(())
    })
    .await
}
