//! Publishing versions. Source: AWS Lambda developer guide, "Manage Lambda function versions".

use store::{Snapshot, Transaction};

use crate::Lambda;
use crate::errors::Outcome;
use crate::tables::function::{FunctionKey, FunctionRecord, State, VERSIONS, VersionRecord, put_version};

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
    if let Some(last) = last.filter(|last| is_unchanged(&function.latest, &last.record)) {
        return Ok(Published { version: last.record, is_new: false });
    }
    function.last_version += 1;
    let mut version = function.latest.clone();
    version.number = Some(function.last_version);
    version.revision_id = lambda.revision_id();
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        version.configuration.description = description;
    }
    put_version(transaction, key, function.last_version, None, &version)?;
    // Observed on AWS: publishing changes the revision of $LATEST too.
    function.latest.revision_id = lambda.revision_id();
    Ok(Published { version, is_new: true })
}

/// Whether publishing `latest` would make the same version as `last` once more.
fn is_unchanged(latest: &VersionRecord, last: &VersionRecord) -> bool {
    // A description may have been given to the version alone.
    let mut configuration = latest.configuration.clone();
    configuration.description.clone_from(&last.configuration.description);
    latest.code.key == last.code.key
        && configuration == last.configuration
        && !matches!(last.state, State::Failed(_))
}
