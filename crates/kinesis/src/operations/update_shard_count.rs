//! `UpdateShardCount`.

use std::sync::Arc;
use std::time::Duration;

use api_kinesis::{UpdateShardCountInput, UpdateShardCountOutput};
use wire::{Context, Error};

use crate::account::usage;
use crate::background::changes::still;
use crate::description::open_count;
use crate::errors::{on_demand, over_limit, stream_failed};
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::{Change, Mode};

/// "Scale up to more than 10000 shards in a stream" is what one cannot do (API reference).
const SHARDS_MAX: u32 = 10_000;
/// "Scale more than ten times per rolling 24-hour period per stream" (API reference).
const TIMES_MAX: usize = 10;
const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: UpdateShardCountInput,
) -> Result<UpdateShardCountOutput, Error> {
    let key = reference!(input).key(context)?;
    let usage = usage(inner, context).await?;
    let mut stream = still(inner, &key).await?;
    if stream.record.mode == Mode::OnDemand {
        return Err(on_demand(&key));
    }
    let shards = stream.stream.shards().await.map_err(|error| stream_failed(&key, &error))?;
    let (current, target) = (open_count(&shards), input.target_shard_count.unsigned_abs());
    check_target(current, target)?;
    usage.check_shards(context, target.saturating_sub(current))?;
    let now = inner.clock.now();
    stream.record.scaled.retain(|at| now.saturating_since(*at) < DAY);
    if stream.record.scaled.len() >= TIMES_MAX {
        return Err(over_limit(format!(
            "Stream {} under account {} cannot be scaled more than {TIMES_MAX} times in a rolling 24-hour period.",
            key.name, key.account
        )));
    }
    stream.record.scaled.push(now);
    stream.begin(Change::Scale { shards: target }).await?;
    Ok(UpdateShardCountOutput {
        stream_arn: Some(key.arn()),
        stream_name: Some(key.name),
        current_shard_count: Some(current.cast_signed()),
        target_shard_count: Some(input.target_shard_count),
    })
}

fn check_target(current: u32, target: u32) -> Result<(), Error> {
    let rule = if target > SHARDS_MAX {
        format!("Target shard count or number of open shards cannot be greater than {SHARDS_MAX}.")
    } else if target > current * 2 {
        "UpdateShardCount cannot scale up over double your current open shard count.".to_owned()
    } else if target * 2 < current {
        "UpdateShardCount cannot scale down below half your current open shard count.".to_owned()
    } else {
        return Ok(());
    };
    Err(over_limit(format!("{rule} Current open shard count: {current}, Target shard count: {target}")))
}
