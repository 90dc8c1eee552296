//! `TagResource`.

use api_lambda::TagResourceRequest;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
use crate::event_source_mapping::{tagged_mapping, update_tags};
use crate::tags::{change_tags, tagged_function};

pub(crate) async fn run(lambda: &Lambda, context: &Context, input: TagResourceRequest) -> Outcome<()> {
    if input.tags.is_empty() {
        return Err(invalid_parameter("An error occurred and the request cannot be processed."));
    }
    if let Some(uuid) = tagged_mapping(context, &input.resource)? {
        return update_tags(lambda, context, &uuid, |tags| tags.extend(input.tags)).await;
    }
    let key = tagged_function(context, "TagResource", &input.resource)?;
    change_tags(lambda, &key, |tags| tags.extend(input.tags)).await
}
