//! `DeleteEventSourceMapping`.

use api_lambda::{DeleteEventSourceMappingRequest, EventSourceMappingConfiguration};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::{Shown, delete_tags, failure, shown};

/// The mapping is gone once its last batches have run; its tags are gone at once.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: DeleteEventSourceMappingRequest,
) -> Outcome<EventSourceMappingConfiguration> {
    let deleted = lambda.event_sources.delete(&context.account, &context.region, &input.uuid).await;
    let mapping = deleted.map_err(|error| failure(error, "delete"))?;
    delete_tags(lambda, context, &input.uuid).await?;
    Ok(shown(&mapping, Shown::Alone))
}
