//! What others read of streams within this process.

use async_trait::async_trait;
use event_source::FindStream;
use ids::Arn;
use targets::TargetError;

use crate::errors::{as_target_error, store_failed};
use crate::service::Kinesis;
use crate::tables::{CONSUMERS, Change, ConsumerChange, ConsumerKey, StreamKey};

impl Kinesis {
    /// Whether it is the ARN of a consumer that may read.
    async fn has_consumer(&self, arn: &Arn) -> Result<bool, TargetError> {
        let Some(key) = ConsumerKey::of_arn(arn) else { return Ok(false) };
        let row = CONSUMERS.get_now(&*self.inner.store, &key.parts()).await;
        let row = row.map_err(|error| as_target_error(&store_failed(&error)))?;
        Ok(row.is_some_and(|row| {
            row.record.change != Some(ConsumerChange::Deregister) && row.record.arn(&key) == arn.to_string()
        }))
    }
}

#[async_trait]
impl FindStream for Kinesis {
    async fn stream(&self, arn: &Arn) -> Result<Option<stream::Stream>, TargetError> {
        let Some(key) = StreamKey::of_arn(arn) else { return Ok(None) };
        if key.arn() != arn.to_string() && !self.has_consumer(arn).await? {
            return Ok(None);
        }
        let open = self.inner.directory.find(&key).await.map_err(|error| as_target_error(&error))?;
        Ok(open.filter(|open| open.record.change != Some(Change::Delete)).map(|open| open.stream.clone()))
    }

    async fn deregistered(&self, arn: &Arn) {
        if ConsumerKey::of_arn(arn).is_none() {
            return std::future::pending().await;
        }
        loop {
            // Made before looking: it hears of every consumer that goes from here on.
            let next = self.inner.deregistered.notified();
            // A store that fails says nothing.
            if let Ok(false) = self.has_consumer(arn).await {
                return;
            }
            next.await;
        }
    }
}
