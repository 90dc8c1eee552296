//! `GetEventSourceMapping`.

use api_lambda::{EventSourceMappingConfiguration, GetEventSourceMappingRequest};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::{Shown, failure, shown};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetEventSourceMappingRequest,
) -> Outcome<EventSourceMappingConfiguration> {
    let found = lambda.event_sources.get(&context.account, &context.region, &input.uuid).await;
    Ok(shown(&found.map_err(|error| failure(error, "get"))?, Shown::Alone))
}
