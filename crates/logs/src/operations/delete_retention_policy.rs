//! `DeleteRetentionPolicy`: events never expire any more.

use api_logs::DeleteRetentionPolicyRequest;
use wire::{Context, Error};

use crate::group::change;
use crate::service::Inner;
use crate::tables::EXPIRIES;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: DeleteRetentionPolicyRequest,
) -> Result<(), Error> {
    change(inner, context, &input.log_group_name, |group, transaction| {
        if let Some(due) = group.expiry_due.take() {
            EXPIRIES.delete(transaction, &[due.into(), group.id.into()]);
        }
        group.retention_days = None;
        Ok(())
    })
    .await
}
