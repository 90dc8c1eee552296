//! Metrics of single shards, which are recorded when they were asked for.

use std::sync::Arc;

use api_kinesis::{EnhancedMonitoringOutput, MetricsName};
use wire::{Context, Error};

use crate::background::changes::still;
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::tables::Change;

/// Changes the metrics that are recorded: `change` makes the wanted ones of the present and the given ones.
pub(crate) async fn change(
    inner: &Arc<Inner>,
    context: &Context,
    reference: StreamReference,
    given: &[MetricsName],
    change: impl FnOnce(&[String], &[String]) -> Vec<String>,
) -> Result<EnhancedMonitoringOutput, Error> {
    let key = reference.key(context)?;
    let mut stream = still(inner, &key).await?;
    let current = std::mem::take(&mut stream.record.shard_level_metrics);
    stream.record.shard_level_metrics = change(&current, &names(given));
    let output = EnhancedMonitoringOutput {
        stream_arn: Some(key.arn()),
        stream_name: Some(key.name),
        current_shard_level_metrics: Some(members(&current)),
        desired_shard_level_metrics: Some(members(&stream.record.shard_level_metrics)),
    };
    stream.begin(Change::Settle).await?;
    Ok(output)
}

/// "The value ALL" stands for all of them.
fn names(given: &[MetricsName]) -> Vec<String> {
    let all = MetricsName::All.as_str();
    let wanted =
        |name: &&&str| **name != all && given.iter().any(|given| [**name, all].contains(&given.as_str()));
    MetricsName::VALUES.iter().filter(wanted).map(|name| (*name).to_owned()).collect()
}

fn members(names: &[String]) -> Vec<MetricsName> {
    names.iter().map(|name| name.as_str().into()).collect()
}
