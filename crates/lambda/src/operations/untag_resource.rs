//! `UntagResource`.

use api_lambda::UntagResourceRequest;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::event_source_mapping::{tagged_mapping, update_tags};
use crate::tags::{change_tags, tagged_function};

/// A key that is not there is no error.
pub(crate) async fn run(lambda: &Lambda, context: &Context, input: UntagResourceRequest) -> Outcome<()> {
    if let Some(uuid) = tagged_mapping(context, &input.resource)? {
        return update_tags(lambda, context, &uuid, |tags| {
            tags.retain(|key, _| !input.tag_keys.contains(key))
        })
        .await;
    }
    let key = tagged_function(context, "UntagResource", &input.resource)?;
    change_tags(lambda, &key, |tags| tags.retain(|key, _| !input.tag_keys.contains(key))).await
}
