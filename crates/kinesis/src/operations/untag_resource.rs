//! `UntagResource`.

use api_kinesis::UntagResourceInput;
use wire::{Context, Error};

use crate::resource;
use crate::service::Inner;

pub(crate) async fn handle(inner: &Inner, context: &Context, input: UntagResourceInput) -> Result<(), Error> {
    let (arn, id) = (input.resource_arn, input.stream_id);
    resource::change(inner, context, &arn, id.as_ref(), |_, attached| {
        attached.tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })
    .await
}
