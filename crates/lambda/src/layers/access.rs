//! Who may do what with a layer version.

use store::{Row, Snapshot};
use wire::Context;

use crate::errors::{self, Outcome};
use crate::layers::{LayerName, LayerVersionName};
use crate::tables::layer::{LAYER_VERSIONS, LayerVersion};

/// The layer of the caller's own account and region that `text` names: only there can it be changed.
///
/// # Errors
/// `AccessDeniedException` for another account's, `InvalidParameterValueException` for another region's.
pub(crate) fn own(context: &Context, operation: &str, text: &str) -> Outcome<LayerName> {
    let layer = LayerName::parse(context, text)?;
    if layer.account != context.account {
        return Err(denied(context, operation, &layer.to_string()));
    }
    check_region(context, &layer)?;
    Ok(layer)
}

/// The layer version of this name, which must be in the region that was asked, and is nothing that the caller
/// may not see.
///
/// # Errors
/// `AccessDeniedException` unless the version's policy or its account allows it, which is said also of what does
/// not exist in another account; `InvalidParameterValueException` for another region's.
pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    context: &Context,
    name: &LayerVersionName,
) -> Outcome<Option<Row<LayerVersion>>> {
    check_region(context, &name.layer)?;
    let row = LAYER_VERSIONS.get(snapshot, &name.key()).await?;
    check_reader(context, name, row.as_ref().map(|row| &row.record))?;
    Ok(row)
}

/// That the caller may read, and so use, a layer version.
///
/// # Errors
/// `AccessDeniedException`.
pub(crate) fn check_reader(
    context: &Context,
    name: &LayerVersionName,
    version: Option<&LayerVersion>,
) -> Outcome<()> {
    if name.layer.account == context.account || version.is_some_and(|version| is_shared(context, version)) {
        return Ok(());
    }
    Err(denied(context, "GetLayerVersion", &name.to_string()))
}

/// Whether the policy lets the caller's account in. Which organization an account belongs to is not known here, so
/// what is granted to one is granted to nobody.
fn is_shared(context: &Context, version: &LayerVersion) -> bool {
    version.policy.as_ref().is_some_and(|policy| {
        policy.statements.iter().any(|statement| {
            statement.condition.is_empty() && statement.principal.includes_account(&context.account)
        })
    })
}

fn check_region(context: &Context, layer: &LayerName) -> Outcome<()> {
    if layer.region == context.region {
        return Ok(());
    }
    Err(errors::invalid_parameter(format!("The layer {layer} is not in the region {}.", context.region)))
}

fn denied(context: &Context, operation: &str, resource: &str) -> errors::Failure {
    errors::access_denied(format!(
        "User: {} is not authorized to perform: lambda:{operation} on resource: {resource} because no \
         resource-based policy allows the lambda:{operation} action",
        context.caller.arn
    ))
}
