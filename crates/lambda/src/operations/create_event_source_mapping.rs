//! `CreateEventSourceMapping`.

use api_lambda::{CreateEventSourceMappingRequest, EventSourceMappingConfiguration};
use event_source::{Mapping, MappingError};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::{
    Change, Kind, Shown, changes_of, check_reachable, check_visibility, check_whole, delete_tags, exists,
    failure, find_mapped_function, find_queue, find_stream, new_mapping, point_out_short_visibility,
    put_tags, read_source, read_start, shown,
};
use crate::tags::{Tags, check_tags};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    mut input: CreateEventSourceMappingRequest,
) -> Outcome<EventSourceMappingConfiguration> {
    let (source, kind) = read_source(&input)?;
    let start = read_start(&input, kind, lambda.clock.now())?;
    let tags = input.tags.take().unwrap_or_default();
    check_tags(&tags)?;
    let changes = changes_of(input);
    let change = Change::read(lambda, kind, &changes).await?;
    let name = changes.function_name.as_deref().unwrap_or_default();
    let (function, info) = find_mapped_function(lambda, context, "CreateEventSourceMapping", name).await?;
    let mut mapping = new_mapping(lambda, context, source, function, start);
    change.apply(&mut mapping);
    check_whole(&mapping)?;
    check_reachable(context, &mapping.source, kind)?;
    match kind {
        Kind::Queue => {
            let visibility_timeout = find_queue(lambda, &mapping.source).await?;
            check_visibility(visibility_timeout, info.timeout)?;
            mapping = create(lambda, context, mapping, &tags).await?;
            point_out_short_visibility(&mapping, visibility_timeout, info.timeout);
        }
        Kind::Stream => {
            find_stream(lambda, &mapping.source).await?;
            mapping = create(lambda, context, mapping, &tags).await?;
        }
    }
    Ok(shown(&mapping, Shown::Alone))
}

/// The tags go first, so that there is never a mapping without the tags that it was made with.
async fn create(lambda: &Lambda, context: &Context, mapping: Mapping, tags: &Tags) -> Outcome<Mapping> {
    put_tags(lambda, context, &mapping.uuid, tags).await?;
    let error = match lambda.event_sources.create(mapping.clone()).await {
        Ok(created) => return Ok(created),
        Err(error) => error,
    };
    if let MappingError::Exists(uuid) = &error {
        delete_tags(lambda, context, &mapping.uuid).await?;
        return Err(exists(&mapping, uuid));
    }
    // Whether there is a mapping now is not known if the store failed: its tags stay.
    Err(failure(error, "create"))
}
