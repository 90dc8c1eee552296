//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use api_cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, GetMetricStatisticsInput, GetMetricStatisticsOutput,
    ListMetricsInput, ListMetricsOutput, PutMetricDataInput,
};
use clock::{SharedClock, Timestamp};
use store::SharedStore;
use targets::{MetricSource, RecordMetrics, SampleGauges, Unit};
use tasks::Tasks;
use wire::{Context, Error};

/// What [`CloudWatch`] needs.
#[derive(Debug)]
pub struct CloudWatchParts {
    /// Where figures are kept.
    pub store: SharedStore,
    /// Platform time: what "now" and the age of figures mean.
    pub clock: SharedClock,
    /// Runs the background work.
    pub tasks: Tasks,
}

/// Amazon CloudWatch metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CloudWatch {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "the operations are still to come")]
pub(crate) struct Inner {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
}

impl CloudWatch {
    /// The service, which writes in the background from now on.
    #[must_use]
    pub fn new(parts: CloudWatchParts) -> Self {
        let CloudWatchParts { store, clock, tasks: _ } = parts;
        Self { inner: Arc::new(Inner { store, clock }) }
    }

    /// Samples these gauges once a minute of real time, and whenever somebody asks for figures of now.
    pub fn watch(&self, gauges: Arc<dyn SampleGauges>) {
        drop(gauges);
    }

    /// Writes what is in memory only. What cannot be written is kept for the next time.
    pub async fn flush(&self) {}

    /// What services measure, in the text format of Prometheus.
    pub async fn prometheus(&self) -> String {
        String::new()
    }
}

impl RecordMetrics for CloudWatch {
    fn record(&self, _source: &Arc<MetricSource>, _at: Timestamp, _values: &[(&'static str, Unit, f64)]) {}
}

impl api_cloudwatch::CloudWatch for CloudWatch {
    async fn get_metric_data(
        &self,
        _context: &Context,
        _input: GetMetricDataInput,
    ) -> Result<GetMetricDataOutput, Error> {
        Err(Error::not_implemented("cloudwatch", "GetMetricData"))
    }

    async fn get_metric_statistics(
        &self,
        _context: &Context,
        _input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput, Error> {
        Err(Error::not_implemented("cloudwatch", "GetMetricStatistics"))
    }

    async fn list_metrics(
        &self,
        _context: &Context,
        _input: ListMetricsInput,
    ) -> Result<ListMetricsOutput, Error> {
        Err(Error::not_implemented("cloudwatch", "ListMetrics"))
    }

    async fn put_metric_data(&self, _context: &Context, _input: PutMetricDataInput) -> Result<(), Error> {
        Err(Error::not_implemented("cloudwatch", "PutMetricData"))
    }
}
