//! `CreateLogStream`.

use api_logs::CreateLogStreamRequest;
use store::{Check, CommitError, Transaction};
use wire::{Context, Error};

use crate::errors::{aborted, commit_failed, store_failed, stream_exists};
use crate::group::{TRIES_MAX, find, snapshot};
use crate::service::Inner;
use crate::tables::{NO_EVENT_YET, RECENT, STREAMS, Stream};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: CreateLogStreamRequest,
) -> Result<(), Error> {
    let name = input.log_stream_name.as_str();
    for _ in 0..TRIES_MAX {
        let group = find(context, &*snapshot(inner).await?, &input.log_group_name).await?;
        let id = group.record.id;
        let stream = Stream::new(inner.ids.bits(), inner.clock.now().as_millis());
        // Should the group be deleted and made again in between, the stream would belong to neither.
        let mut transaction = Transaction::new().check(Check::Version(group.key.clone(), group.version));
        STREAMS
            .insert(&mut transaction, &[id.into(), name.into()], &stream)
            .and_then(|()| RECENT.put(&mut transaction, &[id.into(), NO_EVENT_YET.into(), name.into()], &()))
            .map_err(|error| store_failed(&error))?;
        match inner.store.commit(transaction).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict(key)) if key == group.key => {}
            Err(CommitError::Conflict(_)) => return Err(stream_exists()),
            Err(error) => return Err(commit_failed(error)),
        }
    }
    Err(aborted())
}
