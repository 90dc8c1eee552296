//! `GetLayerVersionPolicy`.

use api_lambda::{GetLayerVersionPolicyRequest, GetLayerVersionPolicyResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::layers;
use crate::policy;
use crate::tables::layer::LAYER_VERSIONS;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetLayerVersionPolicyRequest,
) -> Outcome<GetLayerVersionPolicyResponse> {
    let operation = "GetLayerVersionPolicy";
    let name = layers::own_version(context, operation, &input.layer_name, input.version_number)?;
    let row = LAYER_VERSIONS.get_now(&*lambda.store, &name.key()).await?;
    let policy = policy::existing(layers::existing(&name, row)?.record.policy)?;
    Ok(GetLayerVersionPolicyResponse { policy: Some(policy.document()?), revision_id: policy.revision_id })
}
