//! `TagResource`.

use api_kinesis::TagResourceInput;
use wire::{Context, Error};

use crate::service::Inner;
use crate::{resource, tags};

pub(crate) async fn handle(inner: &Inner, context: &Context, input: TagResourceInput) -> Result<(), Error> {
    let key = resource::stream(context, &input.resource_arn, input.stream_id.as_ref())?;
    let turn = inner.directory.turn().await;
    turn.change(&key, |record| {
        record.tags = tags::merge(&key, &record.tags, input.tags)?;
        Ok(())
    })
    .await
}
