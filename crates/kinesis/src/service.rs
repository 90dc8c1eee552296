//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use api_kinesis::{
    CreateStreamInput, DeleteStreamInput, DescribeStreamInput, DescribeStreamOutput,
    DescribeStreamSummaryInput, DescribeStreamSummaryOutput, ListStreamsInput, ListStreamsOutput,
};
use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use stream::Streams;
use targets::RecordMetrics;
use tasks::Tasks;
use wire::{Context, Error};

use crate::background::changes;
use crate::directory::Directory;
use crate::operations;

/// What the service is made of.
#[derive(Debug, Clone)]
pub struct KinesisParts {
    /// Where state lies. This process must be the only one that writes Kinesis's tables.
    pub store: SharedStore,
    /// Keeps shards and records.
    pub streams: Streams,
    /// Platform time.
    pub clock: SharedClock,
    /// Draws ids.
    pub ids: Arc<IdSource>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// Counts records.
    pub metrics: Arc<dyn RecordMetrics>,
}

/// Amazon Kinesis Data Streams. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kinesis {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: SharedStore,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) tasks: Tasks,
    pub(crate) metrics: Arc<dyn RecordMetrics>,
    pub(crate) directory: Directory,
}

impl Kinesis {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: KinesisParts) -> Self {
        let KinesisParts { store, streams, clock, ids, tasks, metrics } = parts;
        let directory = Directory::new(store.clone(), streams);
        Self { inner: Arc::new(Inner { store, clock, ids, tasks, metrics, directory }) }
    }

    /// Goes on with the changes of streams that are under way.
    pub fn start(&self) {
        let inner = self.inner.clone();
        self.inner.tasks.spawn_until_shutdown("kinesis-changes", changes::resume(inner));
    }
}

impl api_kinesis::Kinesis for Kinesis {
    async fn create_stream(&self, context: &Context, input: CreateStreamInput) -> Result<(), Error> {
        operations::create_stream::handle(&self.inner, context, input).await
    }

    async fn delete_stream(&self, context: &Context, input: DeleteStreamInput) -> Result<(), Error> {
        operations::delete_stream::handle(&self.inner, context, input).await
    }

    async fn describe_stream(
        &self,
        context: &Context,
        input: DescribeStreamInput,
    ) -> Result<DescribeStreamOutput, Error> {
        operations::describe_stream::handle(&self.inner, context, input).await
    }

    async fn describe_stream_summary(
        &self,
        context: &Context,
        input: DescribeStreamSummaryInput,
    ) -> Result<DescribeStreamSummaryOutput, Error> {
        operations::describe_stream_summary::handle(&self.inner, context, input).await
    }

    async fn list_streams(
        &self,
        context: &Context,
        input: ListStreamsInput,
    ) -> Result<ListStreamsOutput, Error> {
        operations::list_streams::handle(&self.inner, context, input).await
    }
}
