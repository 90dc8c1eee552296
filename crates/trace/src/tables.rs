//! What is stored.

use store::Table;
use targets::{FailedEvent, Step};

use crate::failed::Failed;

/// By segment, subject, and sequence within the segment.
pub(crate) const STEPS: Table<Step> = Table::new("trace-step");
/// What came of a subject: by segment, the subject and the sequence of the step that says so, the other subject.
pub(crate) const OFFSPRING: Table<String> = Table::new("trace-offspring");

/// By request id: the whole event.
pub(crate) const FAILED_EVENTS: Table<FailedEvent> = Table::of_large_records("trace-failed-event");
/// By sequence: all of it but the payload.
pub(crate) const FAILED: Table<Failed> = Table::new("trace-failed");
/// By request id: the sequence.
pub(crate) const FAILED_BY_ID: Table<u64> = Table::new("trace-failed-by-id");
