//! `DeleteProvisionedConcurrencyConfig`.

use api_lambda::DeleteProvisionedConcurrencyConfigRequest;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::concurrency::{NEITHER_ALIAS_NOR_VERSION, Provisionable, provisioning};
use crate::errors::Outcome;
use crate::tables::concurrency;

/// Where nothing is provisioned, that is no error.
pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: DeleteProvisionedConcurrencyConfigRequest,
) -> Outcome<()> {
    let operation = "DeleteProvisionedConcurrencyConfig";
    let named = (input.function_name.as_str(), input.qualifier.as_str());
    let snapshot = lambda.snapshot().await?;
    let target =
        Provisionable::find(&*snapshot, context, operation, named, NEITHER_ALIAS_NOR_VERSION).await?;
    let mut transaction = Transaction::new();
    concurrency::delete(&mut transaction, &target.key, &input.qualifier);
    lambda.store.commit(transaction).await?;
    provisioning::apply_later(lambda, &target.key);
    Ok(())
}
