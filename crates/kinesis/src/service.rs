//! The service: what it holds, and which file answers which operation.

use std::sync::Arc;

use api_kinesis::{
    AddTagsToStreamInput, CreateStreamInput, DecreaseStreamRetentionPeriodInput, DeleteResourcePolicyInput,
    DeleteStreamInput, DeregisterStreamConsumerInput, DescribeAccountSettingsInput,
    DescribeAccountSettingsOutput, DescribeLimitsInput, DescribeLimitsOutput, DescribeStreamConsumerInput,
    DescribeStreamConsumerOutput, DescribeStreamInput, DescribeStreamOutput, DescribeStreamSummaryInput,
    DescribeStreamSummaryOutput, DisableEnhancedMonitoringInput, EnableEnhancedMonitoringInput,
    EnhancedMonitoringOutput, GetRecordsInput, GetRecordsOutput, GetResourcePolicyInput,
    GetResourcePolicyOutput, GetShardIteratorInput, GetShardIteratorOutput,
    IncreaseStreamRetentionPeriodInput, ListShardsInput, ListShardsOutput, ListStreamConsumersInput,
    ListStreamConsumersOutput, ListStreamsInput, ListStreamsOutput, ListTagsForResourceInput,
    ListTagsForResourceOutput, ListTagsForStreamInput, ListTagsForStreamOutput, MergeShardsInput,
    PutRecordInput, PutRecordOutput, PutRecordsInput, PutRecordsOutput, PutResourcePolicyInput,
    RegisterStreamConsumerInput, RegisterStreamConsumerOutput, RemoveTagsFromStreamInput, SplitShardInput,
    StartStreamEncryptionInput, StopStreamEncryptionInput, SubscribeToShardInput, SubscribeToShardOutput,
    TagResourceInput, UntagResourceInput, UpdateMaxRecordSizeInput, UpdateShardCountInput,
    UpdateShardCountOutput, UpdateStreamModeInput,
};
use clock::SharedClock;
use ids::IdSource;
use store::SharedStore;
use stream::Streams;
use targets::RecordMetrics;
use tasks::Tasks;
use tokio::sync::Notify;
use wire::{Context, Error};

use crate::background::changes;
use crate::consumer::{self, Subscriptions};
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
    pub(crate) subscriptions: Subscriptions,
    /// Told when a consumer has gone.
    pub(crate) deregistered: Notify,
}

impl Kinesis {
    /// The service over these parts. Reads nothing yet.
    #[must_use]
    pub fn new(parts: KinesisParts) -> Self {
        let KinesisParts { store, streams, clock, ids, tasks, metrics } = parts;
        let directory = Directory::new(store.clone(), streams);
        let (subscriptions, deregistered) = (Subscriptions::default(), Notify::new());
        let inner = Inner { store, clock, ids, tasks, metrics, directory, subscriptions, deregistered };
        Self { inner: Arc::new(inner) }
    }

    /// Goes on with the changes of streams and consumers that are under way.
    pub fn start(&self) {
        let Inner { tasks, clock, .. } = &*self.inner;
        tasks.spawn_until_shutdown("kinesis-changes", changes::resume(self.inner.clone(), clock.hold()));
        tasks.spawn_until_shutdown("kinesis-consumer-changes", consumer::resume(self.inner.clone()));
    }

    /// No client is pushed records any more: the server is about to stop.
    pub fn stop_waiting(&self) {
        self.inner.subscriptions.stop();
    }
}

impl api_kinesis::Kinesis for Kinesis {
    async fn add_tags_to_stream(&self, context: &Context, input: AddTagsToStreamInput) -> Result<(), Error> {
        operations::add_tags_to_stream::handle(&self.inner, context, input).await
    }

    async fn create_stream(&self, context: &Context, input: CreateStreamInput) -> Result<(), Error> {
        operations::create_stream::handle(&self.inner, context, input).await
    }

    async fn decrease_stream_retention_period(
        &self,
        context: &Context,
        input: DecreaseStreamRetentionPeriodInput,
    ) -> Result<(), Error> {
        operations::decrease_stream_retention_period::handle(&self.inner, context, input).await
    }

    async fn delete_resource_policy(
        &self,
        context: &Context,
        input: DeleteResourcePolicyInput,
    ) -> Result<(), Error> {
        operations::delete_resource_policy::handle(&self.inner, context, input).await
    }

    async fn delete_stream(&self, context: &Context, input: DeleteStreamInput) -> Result<(), Error> {
        operations::delete_stream::handle(&self.inner, context, input).await
    }

    async fn deregister_stream_consumer(
        &self,
        context: &Context,
        input: DeregisterStreamConsumerInput,
    ) -> Result<(), Error> {
        operations::deregister_stream_consumer::handle(&self.inner, context, input).await
    }

    async fn describe_account_settings(
        &self,
        _context: &Context,
        _input: DescribeAccountSettingsInput,
    ) -> Result<DescribeAccountSettingsOutput, Error> {
        Ok(operations::describe_account_settings::handle())
    }

    async fn describe_limits(
        &self,
        context: &Context,
        _input: DescribeLimitsInput,
    ) -> Result<DescribeLimitsOutput, Error> {
        operations::describe_limits::handle(&self.inner, context).await
    }

    async fn describe_stream(
        &self,
        context: &Context,
        input: DescribeStreamInput,
    ) -> Result<DescribeStreamOutput, Error> {
        operations::describe_stream::handle(&self.inner, context, input).await
    }

    async fn describe_stream_consumer(
        &self,
        context: &Context,
        input: DescribeStreamConsumerInput,
    ) -> Result<DescribeStreamConsumerOutput, Error> {
        operations::describe_stream_consumer::handle(&self.inner, context, input).await
    }

    async fn describe_stream_summary(
        &self,
        context: &Context,
        input: DescribeStreamSummaryInput,
    ) -> Result<DescribeStreamSummaryOutput, Error> {
        operations::describe_stream_summary::handle(&self.inner, context, input).await
    }

    async fn disable_enhanced_monitoring(
        &self,
        context: &Context,
        input: DisableEnhancedMonitoringInput,
    ) -> Result<EnhancedMonitoringOutput, Error> {
        operations::disable_enhanced_monitoring::handle(&self.inner, context, input).await
    }

    async fn enable_enhanced_monitoring(
        &self,
        context: &Context,
        input: EnableEnhancedMonitoringInput,
    ) -> Result<EnhancedMonitoringOutput, Error> {
        operations::enable_enhanced_monitoring::handle(&self.inner, context, input).await
    }

    async fn get_records(
        &self,
        context: &Context,
        input: GetRecordsInput,
    ) -> Result<GetRecordsOutput, Error> {
        operations::get_records::handle(&self.inner, context, input).await
    }

    async fn get_resource_policy(
        &self,
        context: &Context,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput, Error> {
        operations::get_resource_policy::handle(&self.inner, context, input).await
    }

    async fn get_shard_iterator(
        &self,
        context: &Context,
        input: GetShardIteratorInput,
    ) -> Result<GetShardIteratorOutput, Error> {
        operations::get_shard_iterator::handle(&self.inner, context, input).await
    }

    async fn increase_stream_retention_period(
        &self,
        context: &Context,
        input: IncreaseStreamRetentionPeriodInput,
    ) -> Result<(), Error> {
        operations::increase_stream_retention_period::handle(&self.inner, context, input).await
    }

    async fn list_shards(
        &self,
        context: &Context,
        input: ListShardsInput,
    ) -> Result<ListShardsOutput, Error> {
        operations::list_shards::handle(&self.inner, context, input).await
    }

    async fn list_stream_consumers(
        &self,
        context: &Context,
        input: ListStreamConsumersInput,
    ) -> Result<ListStreamConsumersOutput, Error> {
        operations::list_stream_consumers::handle(&self.inner, context, input).await
    }

    async fn list_streams(
        &self,
        context: &Context,
        input: ListStreamsInput,
    ) -> Result<ListStreamsOutput, Error> {
        operations::list_streams::handle(&self.inner, context, input).await
    }

    async fn list_tags_for_resource(
        &self,
        context: &Context,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, Error> {
        operations::list_tags_for_resource::handle(&self.inner, context, input).await
    }

    async fn list_tags_for_stream(
        &self,
        context: &Context,
        input: ListTagsForStreamInput,
    ) -> Result<ListTagsForStreamOutput, Error> {
        operations::list_tags_for_stream::handle(&self.inner, context, input).await
    }

    async fn merge_shards(&self, context: &Context, input: MergeShardsInput) -> Result<(), Error> {
        operations::merge_shards::handle(&self.inner, context, input).await
    }

    async fn put_record(&self, context: &Context, input: PutRecordInput) -> Result<PutRecordOutput, Error> {
        operations::put_record::handle(&self.inner, context, input).await
    }

    async fn put_records(
        &self,
        context: &Context,
        input: PutRecordsInput,
    ) -> Result<PutRecordsOutput, Error> {
        operations::put_records::handle(&self.inner, context, input).await
    }

    async fn put_resource_policy(
        &self,
        context: &Context,
        input: PutResourcePolicyInput,
    ) -> Result<(), Error> {
        operations::put_resource_policy::handle(&self.inner, context, input).await
    }

    async fn register_stream_consumer(
        &self,
        context: &Context,
        input: RegisterStreamConsumerInput,
    ) -> Result<RegisterStreamConsumerOutput, Error> {
        operations::register_stream_consumer::handle(&self.inner, context, input).await
    }

    async fn remove_tags_from_stream(
        &self,
        context: &Context,
        input: RemoveTagsFromStreamInput,
    ) -> Result<(), Error> {
        operations::remove_tags_from_stream::handle(&self.inner, context, input).await
    }

    async fn split_shard(&self, context: &Context, input: SplitShardInput) -> Result<(), Error> {
        operations::split_shard::handle(&self.inner, context, input).await
    }

    async fn start_stream_encryption(
        &self,
        context: &Context,
        input: StartStreamEncryptionInput,
    ) -> Result<(), Error> {
        operations::start_stream_encryption::handle(&self.inner, context, input).await
    }

    async fn stop_stream_encryption(
        &self,
        context: &Context,
        input: StopStreamEncryptionInput,
    ) -> Result<(), Error> {
        operations::stop_stream_encryption::handle(&self.inner, context, input).await
    }

    async fn subscribe_to_shard(
        &self,
        context: &Context,
        input: SubscribeToShardInput,
    ) -> Result<SubscribeToShardOutput, Error> {
        operations::subscribe_to_shard::handle(&self.inner, context, input).await
    }

    async fn tag_resource(&self, context: &Context, input: TagResourceInput) -> Result<(), Error> {
        operations::tag_resource::handle(&self.inner, context, input).await
    }

    async fn untag_resource(&self, context: &Context, input: UntagResourceInput) -> Result<(), Error> {
        operations::untag_resource::handle(&self.inner, context, input).await
    }

    async fn update_max_record_size(
        &self,
        context: &Context,
        input: UpdateMaxRecordSizeInput,
    ) -> Result<(), Error> {
        operations::update_max_record_size::handle(&self.inner, context, input).await
    }

    async fn update_shard_count(
        &self,
        context: &Context,
        input: UpdateShardCountInput,
    ) -> Result<UpdateShardCountOutput, Error> {
        operations::update_shard_count::handle(&self.inner, context, input).await
    }

    async fn update_stream_mode(&self, context: &Context, input: UpdateStreamModeInput) -> Result<(), Error> {
        operations::update_stream_mode::handle(&self.inner, context, input).await
    }
}
