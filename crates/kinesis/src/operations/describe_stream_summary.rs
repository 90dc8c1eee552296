//! `DescribeStreamSummary`.

use api_kinesis::{
    DescribeStreamSummaryInput, DescribeStreamSummaryOutput, RecordDistributionStrategy,
    StreamDescriptionSummary,
};
use wire::{Context, Error};

use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::Mode;
use crate::{consumer, description};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: DescribeStreamSummaryInput,
) -> Result<DescribeStreamSummaryOutput, Error> {
    let open = reference!(input).find_settled(inner, context).await?;
    let shards = description::shards(&open).await?;
    let consumers = consumer::all(inner, &open.key).await?.len();
    let (key, record) = (&open.key, &open.record);
    let is_on_demand = record.mode == Mode::OnDemand;
    let stream_description_summary = StreamDescriptionSummary {
        stream_name: key.name.clone(),
        stream_arn: key.arn(),
        stream_id: None,
        stream_status: record.status().into(),
        stream_mode_details: Some(description::mode(record.mode)),
        retention_period_hours: record.retention_hours.cast_signed(),
        stream_creation_timestamp: record.created,
        enhanced_monitoring: description::monitoring(record),
        encryption_type: Some(description::encryption_type(record)),
        key_id: record.key_id.clone(),
        open_shard_count: description::open_count(&shards).cast_signed(),
        consumer_count: Some(i32::try_from(consumers).unwrap_or(i32::MAX)),
        warm_throughput: None,
        max_record_size_in_ki_b: Some(record.record_kib_max.cast_signed()),
        channel_count: Some(0),
        record_distribution_strategy: is_on_demand.then_some(RecordDistributionStrategy::UserPartitionKey),
        queue_count: Some(0),
    };
    Ok(DescribeStreamSummaryOutput { stream_description_summary })
}
