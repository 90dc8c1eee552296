//! How the policy of a layer version changes.

use store::{Row, Transaction};
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome, not_found, revision_differs};
use crate::layers::{LayerVersionName, own};
use crate::policy::Policy;
use crate::tables::layer::{LAYER_VERSIONS, LayerVersion};

/// A version of a layer of the caller's own account.
///
/// # Errors
/// As [`own`], and `InvalidParameterValueException` for a number that no version has.
pub(crate) fn own_version(
    context: &Context,
    operation: &str,
    layer: &str,
    version: i64,
) -> Outcome<LayerVersionName> {
    own(context, operation, layer)?;
    LayerVersionName::parse(context, layer, version)
}

/// The layer version, for an operation on its policy.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) fn existing(
    name: &LayerVersionName,
    row: Option<Row<LayerVersion>>,
) -> Outcome<Row<LayerVersion>> {
    row.ok_or_else(|| not_found(format!("Layer version {name} does not exist.")))
}

/// Changes a layer version's policy, provided that it still has the revision that the caller knows, if any.
/// Returns the new revision, or `None` when there is no policy any more.
///
/// # Errors
/// `ResourceNotFoundException`, `PreconditionFailedException`, and those of `change`.
pub(crate) async fn change_policy(
    lambda: &Lambda,
    name: &LayerVersionName,
    revision_id: Option<&str>,
    change: impl Fn(Option<Policy>) -> Outcome<Option<Policy>>,
) -> Outcome<Option<String>> {
    loop {
        let row = existing(name, LAYER_VERSIONS.get_now(&*lambda.store, &name.key()).await?)?;
        let before = row.record.policy.clone();
        let current = before.as_ref().and_then(|policy| policy.revision_id.as_deref());
        if revision_id.is_some() && revision_id != current {
            return Err(revision_differs("GetLayerPolicy"));
        }
        let after =
            change(before)?.map(|policy| Policy { revision_id: Some(lambda.revision_id()), ..policy });
        let revision_id = after.as_ref().and_then(|policy| policy.revision_id.clone());
        let mut transaction = Transaction::new();
        let changed = LayerVersion { policy: after, ..row.record.clone() };
        LAYER_VERSIONS.update(&mut transaction, &row, &changed)?;
        match lambda.store.commit(transaction).await.map_err(Failure::from) {
            Ok(_) => return Ok(revision_id),
            // Somebody else changed it: the same change is made to what it is now.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}
