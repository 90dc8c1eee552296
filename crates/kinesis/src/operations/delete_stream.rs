//! `DeleteStream`.

use std::sync::Arc;

use api_kinesis::DeleteStreamInput;
use wire::{Context, Error};

use crate::background::changes;
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
    turn.change(&key, |record| {
        record.change = Some(Change::Delete);
        Ok(())
    })
    .await?;
    changes::spawn(inner, key, hold);
    Ok(())
}
