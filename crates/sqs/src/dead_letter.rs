//! Which queue may be another one's dead-letter queue ("Using dead-letter queues in Amazon SQS" in the developer guide).

use wire::Error;

use crate::attributes::{Attributes, RedrivePolicy, permits};
use crate::directory::Turn;
use crate::errors::invalid_value;
use crate::tables::QueueKey;

/// Checks the target of a redrive policy that is being set to `given`.
pub(crate) async fn check_target(
    turn: &Turn<'_>,
    source: &QueueKey,
    set: &Attributes,
    given: Option<&String>,
) -> Result<(), Error> {
    let (Some(given), Some(text)) = (given, set.get("RedrivePolicy")) else { return Ok(()) };
    let fault = |reason: &str| invalid_value(given, "RedrivePolicy", reason);
    let target = RedrivePolicy::parse(text)?.target;
    if target.account != source.account || target.region != source.region {
        return Err(fault("Dead-letter target owner and region should be same as the source."));
    }
    if target == *source {
        return Err(fault("The dead-letter target must not be the queue itself."));
    }
    let record = turn.read(&target).await?.ok_or_else(|| fault("Dead letter target does not exist."))?;
    if target.is_fifo() != source.is_fifo() {
        return Err(fault("Dead-letter queue must be same type of queue as the source."));
    }
    if !permits(record.attributes.get("RedriveAllowPolicy").map(String::as_str), source) {
        return Err(fault("The dead-letter queue's redrive allow policy doesn't permit this source queue."));
    }
    Ok(())
}
