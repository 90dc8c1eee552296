//! `GetLayerVersionByArn`.

use api_lambda::{GetLayerVersionByArnRequest, GetLayerVersionResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::layers::LayerVersionName;
use crate::operations::get_layer_version::show;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetLayerVersionByArnRequest,
) -> Outcome<GetLayerVersionResponse> {
    let name = LayerVersionName::parse_arn(&input.arn)
        .ok_or_else(|| invalid_parameter(format!("{} is not a layer version's ARN.", input.arn)))?;
    show(lambda, context, &name).await
}
