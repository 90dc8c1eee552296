//! `DeleteStream`.

use std::sync::Arc;

use api_kinesis::DeleteStreamInput;
use wire::{Context, Error};

use crate::background::changes;
use crate::consumer;
use crate::errors::in_use;
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::Change;

pub(crate) async fn handle(
    inner: &Arc<Inner>,
    context: &Context,
    mut input: DeleteStreamInput,
) -> Result<(), Error> {
    let key = reference!(input).key(context)?;
    let hold = inner.clock.hold();
    let turn = inner.directory.turn().await;
    if input.enforce_consumer_deletion != Some(true) && !consumer::all(inner, &key).await?.is_empty() {
        return Err(in_use(format!("Stream {} has existing consumers.", key.arn())));
    }
    turn.change(&key, |record| {
        record.change = Some(Change::Delete);
        Ok(())
    })
    .await?;
    changes::spawn(inner, key, hold);
    Ok(())
}
