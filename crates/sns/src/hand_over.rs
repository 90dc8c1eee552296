//! Giving a message to a queue or a function.

use bytes::Bytes;
use ids::{Arn, FunctionArn};
use targets::{FunctionEvent, Prepared, QueueMessage, TargetError};

use crate::Sns;
use crate::tables::delivery::{Content, Delivery, QueueContent};

/// The unique id under which SNS sends to queues: what receivers see as `SenderId`.
const SENDER_ID: &str = "AIDAIENQZJOLO23YVJ4VO";

/// Prepares what a delivery to a queue or function has to write.
///
/// # Errors
/// When it is not accepted.
pub(crate) async fn hand_over(
    sns: &Sns,
    delivery: &Delivery,
    message_id: &str,
) -> Result<Prepared, TargetError> {
    match &delivery.content {
        Content::Queue(content) => send(sns, &delivery.endpoint, content, delivery, message_id).await,
        Content::Function { payload } => {
            let function = FunctionArn::parse(&delivery.endpoint).map_err(refused)?;
            let event = FunctionEvent {
                payload: Bytes::from(payload.clone()),
                trace_header: delivery.trace_header.clone(),
                source: delivery.topic.arn(),
                from: Some(message_id.to_owned()),
            };
            sns.parts.targets.functions()?.prepare_event(&function, event).await
        }
        Content::Http { .. } => Err(TargetError::Refused("it goes out over HTTP".to_owned())),
    }
}

/// Prepares what sending it to the dead-letter queue has to write; `None` when there is no such queue.
pub(crate) async fn dead_letter(
    sns: &Sns,
    delivery: &Delivery,
    message_id: &str,
) -> Option<Result<Prepared, TargetError>> {
    let dead_letter = delivery.dead_letter.as_ref()?;
    let own = match &delivery.content {
        Content::Queue(content) => Some(content),
        _ => None,
    };
    let content = dead_letter.content.as_ref().or(own)?;
    Some(send(sns, &dead_letter.queue, content, delivery, message_id).await)
}

async fn send(
    sns: &Sns,
    queue: &str,
    content: &QueueContent,
    delivery: &Delivery,
    message_id: &str,
) -> Result<Prepared, TargetError> {
    let queue = Arn::parse(queue).map_err(refused)?;
    let is_fifo = queue.resource.ends_with(".fifo");
    let message = QueueMessage {
        body: content.body.clone(),
        attributes: content.attributes.clone(),
        group_id: content.group_id.clone(),
        deduplication_id: content.deduplication_id.clone().filter(|_| is_fifo),
        trace_header: delivery.trace_header.clone(),
        sender_id: SENDER_ID.to_owned(),
        from: Some(message_id.to_owned()),
    };
    sns.parts.targets.queues()?.prepare_message(&queue, message).await
}

fn refused(error: impl std::fmt::Display) -> TargetError {
    TargetError::Refused(error.to_string())
}
