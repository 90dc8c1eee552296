//! What an account has in a region, and may have.

use stream::StreamError;
use wire::{Context, Error};

use crate::description;
use crate::errors::{over_limit, stream_failed};
use crate::service::Inner;
use crate::tables::Mode;

/// "20,000 shards per AWS account" in the largest regions ("Quotas and limits" in the developer guide).
pub(crate) const SHARDS_MAX: u32 = 20_000;
/// "By default, you can create up to 50 data streams with the on-demand capacity mode" (developer guide).
pub(crate) const ON_DEMAND_STREAMS_MAX: u32 = 50;
/// Rows that are read at a time.
const ROWS: usize = 500;

/// What there is.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) open_shards: u32,
    pub(crate) on_demand_streams: u32,
}

/// Counts open shards and on-demand streams.
pub(crate) async fn usage(inner: &Inner, context: &Context) -> Result<Usage, Error> {
    let (mut usage, mut after) = (Usage::default(), None);
    loop {
        let place = Some((&context.account, &context.region));
        let page = inner.directory.list(place, after.as_ref(), ROWS).await?;
        let Some((last, _)) = page.last() else { return Ok(usage) };
        after = Some(last.clone());
        for (key, record) in page {
            usage.on_demand_streams += u32::from(record.mode == Mode::OnDemand);
            let Some(open) = inner.directory.find(&key).await? else { continue };
            match open.stream.shards().await {
                Ok(shards) => usage.open_shards += description::open_count(&shards),
                // It is on its way out.
                Err(StreamError::Removed) => {}
                Err(error) => return Err(stream_failed(&key, &error)),
            }
        }
    }
}

impl Usage {
    /// Whether there may be so many shards more.
    pub(crate) fn check_shards(self, context: &Context, more: u32) -> Result<(), Error> {
        if self.open_shards.saturating_add(more) <= SHARDS_MAX {
            return Ok(());
        }
        Err(over_limit(format!(
            "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: {}. \
             Limit: {SHARDS_MAX}. Number of additional shards that would have resulted from this request: {more}. Refer to \
             the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current \
             limits and how to request higher limits.",
            context.account, context.region, self.open_shards
        )))
    }
}

/// Whether there may be one more on-demand stream.
pub(crate) fn check_on_demand(usage: Usage) -> Result<(), Error> {
    if usage.on_demand_streams < ON_DEMAND_STREAMS_MAX {
        return Ok(());
    }
    Err(over_limit(format!(
        "This request would exceed the limit of {ON_DEMAND_STREAMS_MAX} data streams in ON_DEMAND mode."
    )))
}
