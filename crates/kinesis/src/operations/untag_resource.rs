//! `UntagResource`.

use api_kinesis::UntagResourceInput;
use wire::{Context, Error};

use crate::resource;
use crate::service::Inner;

pub(crate) async fn handle(inner: &Inner, context: &Context, input: UntagResourceInput) -> Result<(), Error> {
    let key = resource::stream(context, &input.resource_arn, input.stream_id.as_ref())?;
    let turn = inner.directory.turn().await;
    turn.change(&key, |record| {
        record.tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })
    .await
}
