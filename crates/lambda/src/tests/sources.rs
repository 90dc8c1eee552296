//! Queues and streams for event source mappings, with nothing but the engines behind them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clock::SharedClock;
use event_source::{FindQueue, FindStream};
use ids::{Arn, IdSource};
use queue::{DeduplicationScope, Fifo, Queue, QueueId, Queues, Settings, ThroughputLimit};
use store::SharedStore;
use stream::{Stream, StreamId, Streams};
use targets::TargetError;
use tasks::Tasks;

use super::ports::Seen;

/// Queues whose visibility timeout is the number that their name ends in, and streams `here`; others do not exist.
#[derive(Debug)]
pub(crate) struct Sources {
    queues: Queues,
    streams: Streams,
}

impl Sources {
    pub(crate) fn new(
        store: &SharedStore,
        clock: &SharedClock,
        ids: &Arc<IdSource>,
        tasks: &Tasks,
        seen: &Arc<Seen>,
    ) -> Self {
        Self {
            queues: Queues::new(store.clone(), clock.clone(), ids.clone(), tasks.clone(), seen.clone()),
            streams: Streams::new(store.clone(), clock.clone(), tasks.clone()),
        }
    }
}

#[async_trait]
impl FindQueue for Sources {
    async fn queue(&self, arn: &Arn) -> Result<Option<Queue>, TargetError> {
        let name = arn.resource.trim_end_matches(".fifo");
        let Some(timeout_s) = name.rsplit('-').next().and_then(|number| number.parse().ok()) else {
            return Ok(None);
        };
        let fifo = arn.resource.ends_with(".fifo").then_some(Fifo {
            content_based_deduplication: true,
            deduplication_scope: DeduplicationScope::Queue,
            throughput_limit: ThroughputLimit::PerQueue,
        });
        let settings = Settings {
            arn: arn.to_string(),
            fifo,
            visibility_timeout: Duration::from_secs(timeout_s),
            delay: Duration::ZERO,
            retention: Duration::from_secs(3_600),
            dead_letter: None,
        };
        Ok(Some(self.queues.open(QueueId(arn.resource.clone()), settings)))
    }
}

#[async_trait]
impl FindStream for Sources {
    async fn stream(&self, arn: &Arn) -> Result<Option<Stream>, TargetError> {
        let stream = arn.resource.strip_prefix("stream/here");
        if stream.is_none_or(|rest| !rest.is_empty() && !rest.starts_with("/consumer/there:")) {
            return Ok(None);
        }
        let settings = stream::Settings { arn: arn.to_string(), retention: Duration::from_secs(86_400) };
        Ok(Some(self.streams.open(StreamId("here".to_owned()), settings)))
    }
}
