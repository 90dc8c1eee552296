//! What a lane waits for.

use std::time::Duration;

use clock::Timestamp;

use super::lane::{Lane, Tries, Window};
use super::next_step::{self, Limits};
use crate::StreamPolling;

/// A record that arrived just before the end of a window may be on its way to the disk yet.
const GRACE: Duration = Duration::from_secs(1);

impl From<&StreamPolling> for Limits {
    fn from(polling: &StreamPolling) -> Self {
        Self {
            bisects: polling.bisects_batch_on_function_error,
            maximum_retry_attempts: polling.maximum_retry_attempts,
            maximum_record_age: polling.maximum_record_age,
        }
    }
}

/// When the lane goes on by itself, and with what; nothing when it has something to do, or waits for records alone.
pub(crate) fn next(polling: &StreamPolling, lane: &Lane) -> Option<(Timestamp, &'static str)> {
    let limits = Limits::from(polling);
    if let Some(hand_over) = &lane.hand_over {
        return Some((hand_over.due?, "a destination is tried again"));
    }
    if let Some(window) = &lane.window
        && let Some(tries) = &window.closing
    {
        return Some((closing_at(&limits, window, tries)?, "retry of the end of a window"));
    }
    if let Some(piece) = lane.pieces.front() {
        return Some((next_step::wake_at(&limits, piece)?, "retry of a batch"));
    }
    lane.window.as_ref().map(|window| (over_at(window), "end of a tumbling window"))
}

/// When an open window to which nothing more comes is closed.
pub(crate) fn over_at(window: &Window) -> Timestamp {
    window.end + GRACE
}

/// When a window is too old to be closed by a final invocation.
pub(crate) fn too_old_at(limits: &Limits, window: &Window) -> Option<Timestamp> {
    let since = window.end.max(window.aggregated.last_arrived);
    limits.maximum_record_age.map(|age| since + age)
}

/// When there is something to do about a window's final invocation; `None`: now.
pub(crate) fn closing_at(limits: &Limits, window: &Window, tries: &Tries) -> Option<Timestamp> {
    let too_old = too_old_at(limits, window);
    tries.due.map(|due| too_old.map_or(due, |too_old| due.min(too_old)))
}
