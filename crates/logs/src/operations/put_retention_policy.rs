//! `PutRetentionPolicy`.

use api_logs::PutRetentionPolicyRequest;
use wire::{Context, Error};

use crate::errors::{invalid, store_failed};
use crate::group::change;
use crate::service::Inner;
use crate::tables::{EXPIRIES, Expiry};

/// "Possible values" of `retentionInDays` (API reference, `PutRetentionPolicy`).
const DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: PutRetentionPolicyRequest,
) -> Result<(), Error> {
    let days = input.retention_in_days;
    if !DAYS.contains(&days) {
        let allowed: Vec<String> = DAYS.iter().map(i32::to_string).collect();
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            allowed.join(", ")
        )));
    }
    let expiry = Expiry {
        account: context.account.clone(),
        region: context.region.clone(),
        name: input.log_group_name.clone(),
    };
    change(inner, context, &input.log_group_name, |group, transaction| {
        if let Some(due) = group.expiry_due {
            EXPIRIES.delete(transaction, &[due.into(), group.id.into()]);
        }
        // What is already too old goes now.
        let due = inner.clock.now();
        group.retention_days = Some(days);
        group.expiry_due = Some(due);
        EXPIRIES
            .put(transaction, &[due.into(), group.id.into()], &expiry)
            .map_err(|error| store_failed(&error))
    })
    .await?;
    inner.cleanup.notify_one();
    Ok(())
}
