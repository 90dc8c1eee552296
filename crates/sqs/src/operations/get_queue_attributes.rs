//! `GetQueueAttributes`.

use api_sqs::{GetQueueAttributesRequest, GetQueueAttributesResult};
use wire::{Context, Error};

use crate::attributes::{Attributes, all_effective, is_known};
use crate::directory::OpenQueue;
use crate::errors::{queue_failed, unknown_attribute};
use crate::queue_url;
use crate::service::Inner;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: GetQueueAttributesRequest,
) -> Result<GetQueueAttributesResult, Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let names = input.attribute_names.unwrap_or_default();
    if let Some(name) = names.iter().find(|name| name.as_str() != "All" && !is_known(name.as_str())) {
        return Err(unknown_attribute(name.as_str()));
    }
    if names.is_empty() {
        return Ok(GetQueueAttributesResult::default());
    }
    let mut attributes = told(&queue).await?;
    if names.iter().all(|name| name.as_str() != "All") {
        attributes.retain(|attribute, _| names.iter().any(|name| name.as_str() == attribute));
    }
    Ok(GetQueueAttributesResult { attributes: (!attributes.is_empty()).then_some(attributes) })
}

/// All attributes.
async fn told(queue: &OpenQueue) -> Result<Attributes, Error> {
    let counters = queue.messages.counters().await.map_err(|error| queue_failed(&error))?;
    let record = &queue.record;
    let mut attributes = all_effective(&record.attributes, &queue.key);
    attributes.extend(
        [
            ("ApproximateNumberOfMessages", counters.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counters.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counters.delayed.to_string()),
            ("CreatedTimestamp", record.created.as_secs().to_string()),
            ("LastModifiedTimestamp", record.modified.as_secs().to_string()),
            ("QueueArn", queue.key.arn()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(attributes)
}
