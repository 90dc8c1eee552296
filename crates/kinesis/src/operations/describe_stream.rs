//! `DescribeStream`.

use api_kinesis::{DescribeStreamInput, DescribeStreamOutput, StreamDescription};
use wire::{Context, Error};

use crate::description;
use crate::service::Inner;
use crate::stream_reference::reference;

/// "at most 100 results are returned" (API reference).
const SHARDS_MAX: usize = 100;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: DescribeStreamInput,
) -> Result<DescribeStreamOutput, Error> {
    let open = reference!(input).find_settled(inner, context).await?;
    let limit =
        input.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(SHARDS_MAX).min(SHARDS_MAX);
    let after = input.exclusive_start_shard_id.unwrap_or_default();
    let all = description::shards(&open).await?;
    let mut shards: Vec<_> =
        all.iter().map(description::shard).filter(|shard| shard.shard_id > after).take(limit + 1).collect();
    let has_more_shards = shards.len() > limit;
    shards.truncate(limit);
    let (key, record) = (&open.key, &open.record);
    let stream_description = StreamDescription {
        stream_name: key.name.clone(),
        stream_arn: key.arn(),
        stream_status: record.status().into(),
        stream_mode_details: Some(description::mode(record.mode)),
        shards,
        has_more_shards,
        retention_period_hours: record.retention_hours.cast_signed(),
        stream_creation_timestamp: record.created,
        enhanced_monitoring: description::monitoring(record),
        encryption_type: Some(description::encryption_type(record)),
        key_id: record.key_id.clone(),
    };
    Ok(DescribeStreamOutput { stream_description })
}
