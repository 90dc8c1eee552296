//! `IncreaseStreamRetentionPeriod`.

use std::sync::Arc;

use api_kinesis::IncreaseStreamRetentionPeriodInput;
use wire::{Context, Error};

use crate::retention::{Direction, change};
use crate::service::Inner;
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: IncreaseStreamRetentionPeriodInput,
) -> Result<(), Error> {
    change(inner, context, reference!(input), input.retention_period_hours, Direction::Up).await
}
