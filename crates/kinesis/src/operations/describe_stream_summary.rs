//! `DescribeStreamSummary`.

use api_kinesis::{DescribeStreamSummaryInput, DescribeStreamSummaryOutput, StreamDescriptionSummary};
use wire::{Context, Error};

use crate::description;
use crate::service::Inner;
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: DescribeStreamSummaryInput,
) -> Result<DescribeStreamSummaryOutput, Error> {
    let open = reference!(input).find(inner, context).await?;
    let shards = description::shards(&open).await?;
    let open_shards = shards.iter().filter(|shard| shard.closed.is_none()).count();
    let (key, record) = (&open.key, &open.record);
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
        open_shard_count: i32::try_from(open_shards).unwrap_or(i32::MAX),
        consumer_count: Some(0),
        warm_throughput: None,
        max_record_size_in_ki_b: Some(record.record_kib_max.cast_signed()),
        channel_count: None,
        record_distribution_strategy: None,
        queue_count: None,
    };
    Ok(DescribeStreamSummaryOutput { stream_description_summary })
}
