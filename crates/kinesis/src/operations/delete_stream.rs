//! `DeleteStream`.

use std::sync::Arc;

use api_kinesis::DeleteStreamInput;
use wire::{Context, Error};

use crate::background::changes;
use crate::consumer;
use crate::errors::in_use;
use crate::service::Inner;
use crate::stream_reference::reference;
use crate::tables::{Change, StreamRecord};

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
    let delete = |record: &mut StreamRecord| {
        record.change = Some(Change::Delete);
        Ok(())
    };
    let written = turn.change(&key, delete).await;
    // It may have been written even if that is not known.
    changes::spawn(inner, key, hold);
    written
}
