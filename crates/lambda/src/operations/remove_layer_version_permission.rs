//! `RemoveLayerVersionPermission`.

use api_lambda::RemoveLayerVersionPermissionRequest;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::layers;
use crate::policy;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: RemoveLayerVersionPermissionRequest,
) -> Outcome<()> {
    let operation = "RemoveLayerVersionPermission";
    let name = layers::own_version(context, operation, &input.layer_name, input.version_number)?;
    layers::change_policy(lambda, &name, input.revision_id.as_deref(), |policy| {
        policy::existing(policy)?.remove(&input.statement_id)
    })
    .await?;
    Ok(())
}
