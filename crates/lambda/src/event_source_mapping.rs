//! Event source mappings as the API has them: what may be asked for, and how they are shown; and running functions for
//! their pollers. The mappings themselves and the pollers are `event-source`. Sources: AWS Lambda API reference,
//! `CreateEventSourceMapping`; developer guide, "How Lambda processes records from stream and queue-based event
//! sources"; error texts as recorded on AWS where they are known.

mod change;
mod destination;
mod filter;
mod functions;
mod show;
mod source;
mod start;
mod tags;
mod visibility;

pub(crate) use change::{Change, changes_of, check_whole, new_mapping};
use functions::describe;
pub(crate) use show::{Shown, shown};
pub(crate) use source::{Kind, check_reachable, find_queue, find_stream, read_source};
pub(crate) use start::read_start;
pub(crate) use tags::{delete_tags, put_tags, read_tags, tagged_mapping, update_tags};
pub(crate) use visibility::{check_visibility, point_out_short_visibility, point_out_short_visibility_of};

use event_source::{FunctionInfo, Mapping, MappingError};
use ids::FunctionArn;
use wire::Context;

use crate::Lambda;
use crate::errors::{Failure, Outcome, conflict, invalid_parameter, not_found, resource_in_use};
use crate::function::FunctionReference;

/// 404: what these operations say of every resource that does not exist.
pub(crate) fn mapping_not_found() -> Failure {
    not_found("The resource you requested does not exist.")
}

/// A request that was not fulfilled, in AWS's words; `verb` is what was to be done. For [`MappingError::Exists`] see
/// [`exists`].
pub(crate) fn failure(error: MappingError, verb: &str) -> Failure {
    match error {
        MappingError::NotFound => mapping_not_found(),
        MappingError::InUse => {
            resource_in_use(format!("Cannot {verb} the event source mapping because it is in use."))
        }
        MappingError::Exists(uuid) => conflict(format!("The event source mapping {uuid} already exists.")),
        MappingError::Store(error) => error.into(),
    }
}

/// 409: the mapping `uuid` has the same source and function.
pub(crate) fn exists(mapping: &Mapping, uuid: &str) -> Failure {
    let (source, name) = (&mapping.source, &mapping.function.name);
    conflict(match Kind::of(mapping) {
        Kind::Queue => format!(
            "An event source mapping with SQS arn (\" {source} \") and function (\" {name} \") already exists. Please \
             update or delete the existing mapping with UUID {uuid}"
        ),
        Kind::Stream => format!(
            "The event source arn (\" {source} \") and function (\" {name} \") provided mapping already exists. Please \
             update or delete the existing mapping with UUID {uuid}"
        ),
    })
}

/// The function that a request names, and what matters of it.
///
/// # Errors
/// `InvalidParameterValueException` when there is no such function, version or alias.
pub(crate) async fn find_mapped_function(
    lambda: &Lambda,
    context: &Context,
    operation: &str,
    name: &str,
) -> Outcome<(FunctionArn, FunctionInfo)> {
    let reference = FunctionReference::parse(context, operation, name, None)?;
    match describe(lambda, &reference).await {
        Ok(info) => Ok((reference.arn(), info)),
        Err(Failure::Answer(error)) if error.status() == 404 => {
            Err(invalid_parameter("Function does not exist"))
        }
        Err(other) => Err(other),
    }
}
