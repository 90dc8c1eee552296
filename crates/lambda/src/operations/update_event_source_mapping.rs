//! `UpdateEventSourceMapping`.

use api_lambda::{EventSourceMappingConfiguration, UpdateEventSourceMappingRequest};
use event_source::MappingError;
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome};
use crate::event_source_mapping::{
    Change, Kind, Shown, check_visibility, check_whole, exists, failure, find_mapped_function, find_queue,
    find_stream, point_out_short_visibility, shown,
};

/// What is asked for is checked against the mapping as it is, and changes nothing else in it.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: UpdateEventSourceMappingRequest,
) -> Outcome<EventSourceMappingConfiguration> {
    let (account, region) = (&context.account, &context.region);
    let refused = |error: MappingError| failure(error, "update");
    let mapping = lambda.event_sources.get(account, region, &input.uuid).await.map_err(refused)?;
    if !mapping.state.is_final() {
        return Err(refused(MappingError::InUse));
    }
    let kind = Kind::of(&mapping);
    let mut change = Change::read(lambda, kind, &input).await?;
    let mut info = None;
    if let Some(name) = &input.function_name {
        let found = find_mapped_function(lambda, context, "UpdateEventSourceMapping", name).await?;
        change.function = Some(found.0);
        info = Some(found.1);
    }
    let mut changed = mapping.clone();
    change.clone().apply(&mut changed);
    check_whole(&changed)?;
    let mut visibility_timeout = None;
    if info.is_some() || (changed.is_enabled && !mapping.is_enabled) {
        match kind {
            Kind::Queue => visibility_timeout = Some(find_queue(lambda, &mapping.source).await?),
            Kind::Stream => find_stream(lambda, &mapping.source).await?,
        }
    }
    if let (Some(visibility_timeout), Some(info)) = (visibility_timeout, &info) {
        check_visibility(visibility_timeout, info.timeout)?;
        point_out_short_visibility(&changed, visibility_timeout, info.timeout);
    }
    // What was checked was the whole of it: another change in between may not go together with this one.
    match lambda.event_sources.update(&mapping, move |mapping| change.apply(mapping)).await {
        Ok(mapping) => Ok(shown(&mapping, Shown::Alone)),
        Err(MappingError::Exists(uuid)) => Err::<_, Failure>(exists(&changed, &uuid)),
        Err(error) => Err(refused(error)),
    }
}
