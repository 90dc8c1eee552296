//! A mapping's figures: those of `MetricsConfig` with `EventCount`.

use std::sync::Arc;

use clock::SharedClock;
use targets::{MetricSource, RecordMetrics, Unit};

use crate::{EventSourcesParts, Mapping};

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
    /// Given up: too old or tried too often. Streams only.
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

/// Counts events, if the mapping wants them counted.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    source: Option<Arc<MetricSource>>,
    metrics: Arc<dyn RecordMetrics>,
    clock: SharedClock,
}

impl Figures {
    pub(crate) fn new(mapping: &Mapping, parts: &EventSourcesParts) -> Self {
        let source = mapping.counts_events.then(|| {
            Arc::new(MetricSource {
                account: mapping.account.clone(),
                region: mapping.region.clone(),
                namespace: "AWS/Lambda",
                dimensions: vec![vec![("EventSourceMappingUUID", mapping.uuid.clone())]],
            })
        });
        Self { source, metrics: parts.metrics.clone(), clock: parts.clock.clone() }
    }

    /// Counts so many events; of none, nothing is recorded.
    #[expect(clippy::cast_precision_loss, reason = "no batch has more than 10,000 events")]
    pub(crate) fn count(&self, figure: Figure, events: usize) {
        if let Some(source) = self.source.as_ref().filter(|_| events > 0) {
            self.metrics.record(source, self.clock.now(), &[(figure.name(), Unit::Count, events as f64)]);
        }
    }
}
