//! What other services send to queues.

use async_trait::async_trait;
use event_source::FindQueue;
use ids::Arn;
use queue::NewMessage;
use targets::{Prepared, QueueInfo, QueueMessage, SampleGauges, Sampled, SendToQueue, Settled, TargetError};

use crate::errors::{as_target_error, queue_failed};
use crate::message::size_bytes;
use crate::service::Sqs;
use crate::tables::QueueKey;
use crate::{directory::OpenQueue, metrics};

impl Sqs {
    async fn find(&self, arn: &Arn) -> Result<Option<std::sync::Arc<OpenQueue>>, TargetError> {
        let Some(key) = QueueKey::of_arn(arn) else { return Ok(None) };
        self.inner.directory.find_key(&key).await.map_err(|error| as_target_error(&error))
    }
}

#[async_trait]
impl FindQueue for Sqs {
    async fn queue(&self, arn: &Arn) -> Result<Option<queue::Queue>, TargetError> {
        Ok(self.find(arn).await?.map(|queue| queue.messages.clone()))
    }
}

#[async_trait]
impl SendToQueue for Sqs {
    async fn queue(&self, queue: &Arn) -> Result<Option<QueueInfo>, TargetError> {
        let queue = self.find(queue).await?;
        Ok(queue.map(|queue| QueueInfo {
            fifo: queue.is_fifo(),
            content_based_deduplication: queue.behaviour.content_based_deduplication,
        }))
    }

    async fn prepare_message(&self, queue: &Arn, message: QueueMessage) -> Result<Prepared, TargetError> {
        let arn = queue;
        let queue = self.find(arn).await?.ok_or_else(|| TargetError::NotFound(arn.to_string()))?;
        let size = size_bytes(&message.body, &message.attributes);
        let max_bytes = queue.behaviour.message_bytes_max;
        if size > max_bytes {
            return Err(TargetError::Refused(format!("Message must be shorter than {max_bytes} bytes.")));
        }
        let new = NewMessage {
            id: self.inner.ids.request_id().to_string(),
            body: message.body,
            attributes: message.attributes,
            sender_id: message.sender_id,
            delay: None,
            group_id: message.group_id,
            deduplication_id: message.deduplication_id.filter(|_| queue.is_fifo()),
            trace_header: message.trace_header,
            dead_letter_source: None,
            from: message.from,
        };
        let prepared = queue.messages.prepare_send(new).await;
        let (mut prepared, _) = prepared.map_err(|error| as_target_error(&queue_failed(&error)))?;
        let part = std::mem::take(&mut prepared.part);
        let inner = self.inner.clone();
        Ok(Prepared::new(prepared.id.clone(), part, move |settled| {
            prepared.settle(settled);
            if settled == Settled::Committed {
                metrics::sent(&inner, &queue, [size]);
            }
        }))
    }
}

#[async_trait]
impl SampleGauges for Sqs {
    async fn sample(&self) -> Vec<Sampled> {
        metrics::sample(&self.inner).await
    }
}
