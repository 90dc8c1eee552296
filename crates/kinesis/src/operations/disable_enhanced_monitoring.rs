//! `DisableEnhancedMonitoring`.

use std::sync::Arc;

use api_kinesis::{DisableEnhancedMonitoringInput, EnhancedMonitoringOutput};
use wire::{Context, Error};

use crate::monitoring::change;
use crate::service::Inner;
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: DisableEnhancedMonitoringInput,
) -> Result<EnhancedMonitoringOutput, Error> {
    change(inner, context, reference!(input), &input.shard_level_metrics, |present, given| {
        present.iter().filter(|name| !given.contains(name)).cloned().collect()
    })
    .await
}
