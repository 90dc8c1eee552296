//! `UpdateStreamMode`: the shards stay as they are.

use std::sync::Arc;
use std::time::Duration;

use api_kinesis::{StreamMode, UpdateStreamModeInput};
use wire::{Context, Error};

use crate::account::{check_on_demand, usage};
use crate::background::changes::still;
use crate::errors::over_limit;
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::tables::{Change, Mode};

/// "you can switch between the on-demand and provisioned capacity modes twice within 24 hours" (developer guide).
const TIMES_MAX: usize = 2;
const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    input: UpdateStreamModeInput,
) -> Result<(), Error> {
    let key = StreamReference::of_arn(input.stream_arn, input.stream_id).key(context)?;
    if input.warm_throughput_mi_bps.is_some() {
        return Err(Error::unsupported("InvalidArgumentException", "WarmThroughputMiBps"));
    }
    let mode = match input.stream_mode_details.stream_mode {
        StreamMode::OnDemand => Mode::OnDemand,
        _ => Mode::Provisioned,
    };
    let usage = usage(inner, context).await?;
    let mut stream = still(inner, &key).await?;
    if mode == stream.record.mode {
        return Ok(());
    }
    if mode == Mode::OnDemand {
        check_on_demand(usage)?;
    }
    let now = inner.clock.now();
    stream.record.switched.retain(|at| now.saturating_since(*at) < DAY);
    if stream.record.switched.len() >= TIMES_MAX {
        return Err(over_limit(format!(
            "The mode of stream {} under account {} cannot be changed more than twice in 24 hours.",
            key.name, key.account
        )));
    }
    stream.record.switched.push(now);
    stream.record.mode = mode;
    stream.begin(Change::Settle).await
}
