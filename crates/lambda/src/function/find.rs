//! Finding a function, and the version that a qualifier names.

use ids::Qualifier;
use store::{Row, Snapshot};

use crate::errors::{Failure, Outcome, not_found};
use crate::function::FunctionReference;
use crate::tables::alias::ALIASES;
use crate::tables::function::{FUNCTIONS, FunctionKey, FunctionRecord, VERSIONS, VersionRecord};

/// 404, naming the function as the caller did.
pub(crate) fn function_not_found(reference: &FunctionReference) -> Failure {
    not_found(format!("Function not found: {}", reference.arn()))
}

/// The function of this name.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) async fn find_function(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
) -> Outcome<Row<FunctionRecord>> {
    FUNCTIONS
        .get(snapshot, &key.parts())
        .await?
        .ok_or_else(|| not_found(format!("Function not found: {}", key.arn())))
}

/// The version that a reference names, through an alias if it names one.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) async fn find_version(
    snapshot: &dyn Snapshot,
    reference: &FunctionReference,
    function: &FunctionRecord,
) -> Outcome<VersionRecord> {
    let number = match &reference.qualifier {
        None | Some(Qualifier::Latest) => None,
        Some(Qualifier::Version(number)) => Some(*number),
        Some(Qualifier::Alias(name)) => {
            let alias = ALIASES.get(snapshot, &reference.key.parts_and(name.as_str())).await?;
            alias.ok_or_else(|| function_not_found(reference))?.record.version
        }
    };
    match number {
        None => Ok(function.latest.clone()),
        Some(number) => {
            let row = VERSIONS.get(snapshot, &reference.key.parts_and(number)).await?;
            Ok(row.ok_or_else(|| function_not_found(reference))?.record)
        }
    }
}
