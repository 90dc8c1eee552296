//! Publishing versions. Source: AWS Lambda developer guide, "Manage Lambda function versions".

use store::{Snapshot, Transaction};

use crate::Lambda;
use crate::errors::Outcome;
use crate::tables::function::{
    FunctionKey, FunctionRecord, LastUpdate, State, VERSIONS, VersionRecord, put_version,
};

/// What publishing came to.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) version: VersionRecord,
    /// Whether it was made just now, so that the function's row is to be written too.
    pub(crate) is_new: bool,
}

/// Makes a version of `$LATEST`; when nothing has changed since the last one, that one is the answer.
pub(crate) async fn publish(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    key: &FunctionKey,
    function: &mut FunctionRecord,
    description: Option<String>,
) -> Outcome<Published> {
    let last = VERSIONS.get(snapshot, &key.parts_and(function.last_version)).await?;
    if let Some(last) = last.filter(|last| is_unchanged(function, &last.record)) {
        return Ok(Published { version: last.record, is_new: false });
    }
    function.last_version += 1;
    let mut version = function.latest.clone();
    version.number = Some(function.last_version);
    version.revision_id = lambda.revision_id();
    if version.last_update == LastUpdate::InProgress {
        // Published as it is updated: a version of its own that is being created.
        version.state = State::Pending;
    }
    function.published_description.clone_from(&version.configuration.description);
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        version.configuration.description = description;
    }
    put_version(transaction, key, function.last_version, None, &version)?;
    // Observed on AWS: publishing changes the revision of $LATEST too.
    function.latest.revision_id = lambda.revision_id();
    Ok(Published { version, is_new: true })
}

/// Whether publishing the function would make the same version as `last` once more.
fn is_unchanged(function: &FunctionRecord, last: &VersionRecord) -> bool {
    let mut configuration = last.configuration.clone();
    configuration.description.clone_from(&function.published_description);
    function.latest.code.key == last.code.key
        && function.latest.configuration == configuration
        && !matches!(last.state, State::Failed(_))
}
