//! `DeleteLogGroup`: the group is gone at once; what was in it is removed in the background.

use api_logs::DeleteLogGroupRequest;
use store::{CommitError, Transaction};
use wire::{Context, Error};

use crate::errors::{aborted, commit_failed, store_failed};
use crate::group::{find, snapshot};
use crate::service::Inner;
use crate::tables::{EXPIRIES, GARBAGE, GROUPS, Garbage};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteLogGroupRequest,
) -> Result<(), Error> {
    let row = find(context, &*snapshot(inner).await?, &input.log_group_name).await?;
    let mut transaction = Transaction::new();
    GROUPS.delete_row(&mut transaction, &row);
    if let Some(due) = row.record.expiry_due {
        EXPIRIES.delete(&mut transaction, &[due.into(), row.record.id.into()]);
    }
    GARBAGE
        .put(&mut transaction, &[row.record.id.into(), 0_u64.into()], &Garbage { stream: None })
        .map_err(|error| store_failed(&error))?;
    match inner.store.commit(transaction).await {
        Ok(_) => {
            inner.cleanup.notify_one();
            Ok(())
        }
        // "Multiple concurrent requests to update the same resource were in conflict" (API reference).
        Err(CommitError::Conflict(_)) => Err(aborted()),
        Err(error) => Err(commit_failed(error)),
    }
}
