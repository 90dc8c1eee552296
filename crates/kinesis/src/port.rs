//! What others read of streams within this process.

use async_trait::async_trait;
use event_source::FindStream;
use ids::Arn;
use targets::TargetError;

use crate::errors::as_target_error;
use crate::service::Kinesis;
use crate::tables::{Change, StreamKey};

#[async_trait]
impl FindStream for Kinesis {
    async fn stream(&self, arn: &Arn) -> Result<Option<stream::Stream>, TargetError> {
        let Some(key) = StreamKey::of_arn(arn) else { return Ok(None) };
        let open = self.inner.directory.find(&key).await.map_err(|error| as_target_error(&error))?;
        Ok(open.filter(|open| open.record.change != Some(Change::Delete)).map(|open| open.stream.clone()))
    }
}
