//! `RemoveTagsFromStream`.

use api_kinesis::RemoveTagsFromStreamInput;
use wire::{Context, Error};

use crate::service::Inner;
use crate::stream_reference::reference;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    mut input: RemoveTagsFromStreamInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    let turn = inner.directory.turn().await;
    turn.change(&key, |record| {
        record.tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })
    .await
}
