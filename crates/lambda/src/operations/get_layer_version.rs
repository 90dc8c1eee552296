//! `GetLayerVersion`, and what `GetLayerVersionByArn` has in common with it.

use api_lambda::{GetLayerVersionRequest, GetLayerVersionResponse};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, not_found};
use crate::layers::{self, LayerVersionName};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetLayerVersionRequest,
) -> Outcome<GetLayerVersionResponse> {
    let name = LayerVersionName::parse(context, &input.layer_name, input.version_number)?;
    show(lambda, context, &name).await
}

/// Answers with this layer version.
pub(crate) async fn show(
    lambda: &Lambda,
    context: &Context,
    name: &LayerVersionName,
) -> Outcome<GetLayerVersionResponse> {
    let row = layers::find(&*lambda.snapshot().await?, context, name).await?;
    let version = row.ok_or_else(|| not_found("The resource you requested does not exist."))?.record;
    let location = lambda.code_links.link(&context.endpoint, &version.package.key, lambda.clock.now());
    Ok(layers::shown(name, version, location))
}
