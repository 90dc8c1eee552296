//! `AddLayerVersionPermission`.

use api_lambda::{AddLayerVersionPermissionRequest, AddLayerVersionPermissionResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::layers;
use crate::policy::{Condition, Principal, Statement, to_json};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: AddLayerVersionPermissionRequest,
) -> Outcome<AddLayerVersionPermissionResponse> {
    let operation = "AddLayerVersionPermission";
    let name = layers::own_version(context, operation, &input.layer_name, input.version_number)?;
    let principal = Principal::parse(&input.principal)?;
    let organization = input.organization_id.as_deref();
    if organization.is_some() && input.principal != "*" {
        // API reference: with an organization, the principal must be `*`.
        return Err(invalid_parameter("The principal must be * when an organization is specified."));
    }
    let condition = Condition::of_organization(organization);
    let statement =
        Statement::allow(&input.statement_id, principal, &input.action, &name.to_string(), condition);
    let shown = to_json(&statement)?;
    let revision_id = layers::change_policy(lambda, &name, input.revision_id.as_deref(), |policy| {
        let mut policy = policy.unwrap_or_default();
        policy.add(statement.clone())?;
        Ok(Some(policy))
    })
    .await?;
    Ok(AddLayerVersionPermissionResponse { statement: Some(shown), revision_id })
}
