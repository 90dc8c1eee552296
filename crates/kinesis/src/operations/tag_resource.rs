//! `TagResource`.

use api_kinesis::TagResourceInput;
use wire::{Context, Error};

use crate::service::Inner;
use crate::{resource, tags};

pub(crate) async fn handle(inner: &Inner, context: &Context, input: TagResourceInput) -> Result<(), Error> {
    let (arn, id) = (input.resource_arn, input.stream_id);
    resource::change(inner, context, &arn, id.as_ref(), |key, attached| {
        *attached.tags = tags::merge(key, attached.tags, input.tags)?;
        Ok(())
    })
    .await
}
