//! How long records are kept.

use std::sync::Arc;

use wire::{Context, Error};

use crate::background::changes::still;
use crate::errors::invalid;
use crate::service::Inner;
use crate::stream_reference::StreamReference;
use crate::tables::Change;

/// "The minimum value of a stream's retention period is 24 hours", "the maximum value ... is 8760 hours" (API reference).
const HOURS_MIN: i32 = 24;
const HOURS_MAX: i32 = 8_760;

/// Which way it is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// Sets it.
pub(crate) async fn change(
    inner: &Arc<Inner>,
    context: &Context,
    reference: StreamReference,
    hours: i32,
    direction: Direction,
) -> Result<(), Error> {
    let key = reference.key(context)?;
    let mut stream = still(inner, &key).await?;
    if hours < HOURS_MIN {
        return Err(invalid(format!(
            "Minimum allowed retention period is {HOURS_MIN} hours. Requested retention period ({hours} hours) is too short."
        )));
    }
    if hours > HOURS_MAX {
        return Err(invalid(format!(
            "Maximum allowed retention period is {HOURS_MAX} hours. Requested retention period ({hours} hours) is too long."
        )));
    }
    let (present, wanted) = (stream.record.retention_hours, hours.unsigned_abs());
    let (is_wrong, than, other) = match direction {
        Direction::Up => (wanted < present, "shorter", "DecreaseRetentionPeriod"),
        Direction::Down => (wanted > present, "longer", "IncreaseRetentionPeriod"),
    };
    if is_wrong {
        return Err(invalid(format!(
            "Requested retention period ({hours} hours) for stream {} can not be {than} than existing retention period \
             ({present} hours). Use {other} API.",
            key.name
        )));
    }
    stream.record.retention_hours = wanted;
    // What has expired by now does not come back.
    let floor = stream.stream.prepare_retention();
    stream.begin_with(Change::Settle, Some(floor)).await
}
