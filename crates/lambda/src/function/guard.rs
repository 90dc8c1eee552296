//! What stands in the way of a change.

use crate::errors::{Outcome, conflict, revision_differs};
use crate::service::update_in_progress;
use crate::tables::function::{FunctionKey, FunctionRecord, LastUpdate, State};

/// That the function can be changed or published now. Source: AWS Lambda developer guide, "Lambda function states".
///
/// # Errors
/// `ResourceConflictException` while it is being created or updated.
pub(crate) fn ensure_changeable(key: &FunctionKey, function: &FunctionRecord) -> Outcome<()> {
    if function.latest.state == State::Pending {
        return Err(conflict(
            "The operation cannot be performed at this time. The function is currently in the following state: \
             Pending",
        ));
    }
    if function.latest.last_update == LastUpdate::InProgress {
        return Err(update_in_progress(key));
    }
    Ok(())
}

/// That the caller knows the latest revision, if it says which one it knows.
///
/// # Errors
/// `PreconditionFailedException`.
pub(crate) fn check_revision(expected: Option<&str>, current: &str) -> Outcome<()> {
    match expected {
        Some(expected) if expected != current => Err(revision_differs("GetFunction/GetAlias")),
        _ => Ok(()),
    }
}
