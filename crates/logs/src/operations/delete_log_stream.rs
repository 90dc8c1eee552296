//! `DeleteLogStream`: the stream is gone at once; its events are removed in the background.

use api_logs::DeleteLogStreamRequest;
use store::{CommitError, Transaction};
use wire::{Context, Error};

use crate::errors::{aborted, commit_failed, store_failed};
use crate::group::{TRIES_MAX, find, find_stream, snapshot};
use crate::service::Inner;
use crate::tables::{GARBAGE, Garbage, RECENT, STREAMS};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteLogStreamRequest,
) -> Result<(), Error> {
    let name = input.log_stream_name.as_str();
    for _ in 0..TRIES_MAX {
        let snapshot = snapshot(inner).await?;
        let group = find(context, &*snapshot, &input.log_group_name).await?.record.id;
        let row = find_stream(&*snapshot, group, name).await?;
        let mut transaction = Transaction::new();
        STREAMS.delete_row(&mut transaction, &row);
        RECENT.delete(&mut transaction, &[group.into(), row.record.recency().into(), name.into()]);
        let garbage = Garbage { stream: Some(row.record.id) };
        GARBAGE
            .put(&mut transaction, &[group.into(), row.record.id.into()], &garbage)
            .map_err(|error| store_failed(&error))?;
        match inner.store.commit(transaction).await {
            Ok(_) => {
                inner.cleanup.notify_one();
                return Ok(());
            }
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(commit_failed(error)),
        }
    }
    Err(aborted())
}
