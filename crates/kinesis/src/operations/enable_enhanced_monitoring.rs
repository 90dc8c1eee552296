//! `EnableEnhancedMonitoring`.

use std::sync::Arc;

use api_kinesis::{EnableEnhancedMonitoringInput, EnhancedMonitoringOutput};
use wire::{Context, Error};

use crate::monitoring::change;
use crate::service::Inner;
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: EnableEnhancedMonitoringInput,
) -> Result<EnhancedMonitoringOutput, Error> {
    change(inner, context, reference!(input), &input.shard_level_metrics, |present, given| {
        let mut wanted = present.to_vec();
        wanted.extend(given.iter().filter(|name| !present.contains(name)).cloned());
        wanted
    })
    .await
}
