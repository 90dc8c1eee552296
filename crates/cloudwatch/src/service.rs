//! The service: what it holds, and which file answers which operation.

use std::sync::{Arc, Mutex};

use api_cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, GetMetricStatisticsInput, GetMetricStatisticsOutput,
    ListMetricsInput, ListMetricsOutput, PutMetricDataInput,
};
use clock::{SharedClock, Timestamp};
use store::SharedStore;
use targets::{MetricSource, RecordMetrics, SampleGauges, Unit};
use tasks::Tasks;
use wire::{Context, Error};

use crate::batch::Batch;
use crate::exposition::Exposition;
use crate::recorder::Recorder;
use crate::writer::Writer;
use crate::{background, operations};

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
pub(crate) struct Inner {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) writer: Writer,
    pub(crate) recorder: Recorder,
    pub(crate) exposition: Exposition,
    /// What was recorded and is not in the store yet. Taken out by whoever has the writer's turn.
    pub(crate) unwritten: Mutex<Batch>,
    pub(crate) watched: Mutex<Vec<Arc<dyn SampleGauges>>>,
}

impl CloudWatch {
    /// The service, which writes in the background from now on.
    #[must_use]
    pub fn new(parts: CloudWatchParts) -> Self {
        let CloudWatchParts { store, clock, tasks } = parts;
        let inner = Arc::new(Inner {
            writer: Writer::new(Arc::clone(&store)),
            store,
            clock,
            recorder: Recorder::new(),
            exposition: Exposition::default(),
            unwritten: Mutex::default(),
            watched: Mutex::default(),
        });
        tasks.spawn("write metrics", background::writing::run(Arc::clone(&inner), tasks.clone()));
        tasks.spawn_until_shutdown("sample gauges", background::sampling::run(Arc::clone(&inner)));
        tasks.spawn_until_shutdown("age metrics", background::aging::run(Arc::clone(&inner)));
        Self { inner }
    }

    /// Samples these gauges once a minute of real time, and whenever somebody asks for figures of now.
    pub fn watch(&self, gauges: Arc<dyn SampleGauges>) {
        self.inner.watch(gauges);
    }

    /// Writes what is in memory only. What cannot be written is kept for the next time.
    pub async fn flush(&self) {
        self.inner.flush().await;
    }

    /// What services measure, in the text format of Prometheus.
    pub async fn prometheus(&self) -> String {
        self.inner.sample().await;
        self.inner.collect();
        self.inner.exposition.text(self.inner.clock.now(), self.inner.recorder.dropped())
    }
}

impl RecordMetrics for CloudWatch {
    fn record(&self, source: &Arc<MetricSource>, at: Timestamp, values: &[(&'static str, Unit, f64)]) {
        self.inner.recorder.record(&self.inner.exposition, source, at, values);
    }
}

impl api_cloudwatch::CloudWatch for CloudWatch {
    async fn get_metric_data(
        &self,
        context: &Context,
        input: GetMetricDataInput,
    ) -> Result<GetMetricDataOutput, Error> {
        operations::get_metric_data::handle(&self.inner, context, input).await
    }

    async fn get_metric_statistics(
        &self,
        context: &Context,
        input: GetMetricStatisticsInput,
    ) -> Result<GetMetricStatisticsOutput, Error> {
        operations::get_metric_statistics::handle(&self.inner, context, input).await
    }

    async fn list_metrics(
        &self,
        context: &Context,
        input: ListMetricsInput,
    ) -> Result<ListMetricsOutput, Error> {
        operations::list_metrics::handle(&self.inner, context, input).await
    }

    async fn put_metric_data(&self, context: &Context, input: PutMetricDataInput) -> Result<(), Error> {
        operations::put_metric_data::handle(&self.inner, context, input).await
    }
}
