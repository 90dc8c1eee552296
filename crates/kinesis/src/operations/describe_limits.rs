//! `DescribeLimits`.

use api_kinesis::DescribeLimitsOutput;
use wire::{Context, Error};

use crate::account::{ON_DEMAND_STREAMS_MAX, SHARDS_MAX, usage};
use crate::service::Inner;

pub(crate) async fn handle(inner: &Inner, context: &Context) -> Result<DescribeLimitsOutput, Error> {
    let usage = usage(inner, context).await?;
    Ok(DescribeLimitsOutput {
        shard_limit: SHARDS_MAX.cast_signed(),
        open_shard_count: usage.open_shards.cast_signed(),
        on_demand_stream_count: usage.on_demand_streams.cast_signed(),
        on_demand_stream_count_limit: ON_DEMAND_STREAMS_MAX.cast_signed(),
        // There are no channels here.
        channel_count: Some(0),
        channel_count_limit: Some(0),
    })
}
