//! `AddTagsToStream`.

use api_kinesis::AddTagsToStreamInput;
use wire::{Context, Error};

use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tags;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: AddTagsToStreamInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    let turn = inner.directory.turn().await;
    turn.change(&key, |record| {
        record.tags = tags::merge(&key, &record.tags, input.tags)?;
        Ok(())
    })
    .await
}
