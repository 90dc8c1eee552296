//! A mapping's figures: those of `MetricsConfig` with `EventCount`.

use std::sync::Arc;

use clock::SharedClock;
use targets::{MetricSource, RecordMetrics, Unit};

use crate::{EventSourcesParts, Mapping, Polling};

/// What is counted (AWS Lambda developer guide, "Event source mapping metrics").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Read from the source.
    Polled,
    /// Wanted by no filter.
    FilteredOut,
    /// Handed to the function, each time anew.
    Invoked,
    /// Handed to the function, which failed.
    FailedInvoke,
    /// Given up, too old or tried too often, and no destination has its record. Streams only.
    Dropped,
    /// Given up, and its record was accepted by the destination. Streams only.
    OnFailureDestinationDelivered,
    /// Deleted from the queue after the function was done with it. SQS only.
    Deleted,
}

impl Figure {
    const fn name(self) -> &'static str {
        match self {
            Self::Polled => "PolledEventCount",
            Self::FilteredOut => "FilteredOutEventCount",
            Self::Invoked => "InvokedEventCount",
            Self::FailedInvoke => "FailedInvokeEventCount",
            Self::Dropped => "DroppedEventCount",
            Self::OnFailureDestinationDelivered => "OnFailureDestinationDeliveredEventCount",
            Self::Deleted => "DeletedEventCount",
        }
    }
}

/// What is counted of a queue itself, whoever its consumer is ("Available CloudWatch metrics for Amazon SQS" in the Amazon
/// SQS developer guide).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueFigure {
    Received,
    Deleted,
}

impl QueueFigure {
    const fn name(self) -> &'static str {
        match self {
            Self::Received => "NumberOfMessagesReceived",
            Self::Deleted => "NumberOfMessagesDeleted",
        }
    }
}

/// Counts events, if the mapping wants them counted, and what becomes of a queue's messages.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    source: Option<Arc<MetricSource>>,
    queue: Option<Arc<MetricSource>>,
    metrics: Arc<dyn RecordMetrics>,
    clock: SharedClock,
}

impl Figures {
    pub(crate) fn new(mapping: &Mapping, parts: &EventSourcesParts) -> Self {
        let source = |namespace, dimension, value: &String| {
            Arc::new(MetricSource {
                account: mapping.account.clone(),
                region: mapping.region.clone(),
                namespace,
                dimensions: vec![vec![(dimension, value.clone())]],
            })
        };
        let queue = matches!(mapping.polling, Polling::Queue(_))
            .then(|| source("AWS/SQS", "QueueName", &mapping.source.resource));
        let source =
            mapping.counts_events.then(|| source("AWS/Lambda", "EventSourceMappingUUID", &mapping.uuid));
        Self { source, queue, metrics: parts.metrics.clone(), clock: parts.clock.clone() }
    }

    /// Counts so many events. None, too: "For events that match the filter criteria, Lambda emits a 0 metric" (same guide).
    pub(crate) fn count(&self, figure: Figure, events: usize) {
        self.record(self.source.as_ref(), figure.name(), events);
    }

    /// Counts so many messages of the queue.
    pub(crate) fn count_of_queue(&self, figure: QueueFigure, messages: usize) {
        self.record(self.queue.as_ref(), figure.name(), messages);
    }

    #[expect(clippy::cast_precision_loss, reason = "no batch has more than 10,000 events")]
    fn record(&self, source: Option<&Arc<MetricSource>>, name: &'static str, count: usize) {
        if let Some(source) = source {
            self.metrics.record(source, self.clock.now(), &[(name, Unit::Count, count as f64)]);
        }
    }
}
