//! `DeleteAlias`.

use api_lambda::DeleteAliasRequest;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::concurrency::provisioning;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_function};
use crate::tables::alias::ALIASES;
use crate::tables::{concurrency, event_config, policy};

/// Deleting an alias that does not exist succeeds, as on AWS.
pub(crate) async fn run(lambda: &Lambda, context: &Context, input: DeleteAliasRequest) -> Outcome<()> {
    let key = FunctionReference::parse_unqualified(context, "DeleteAlias", &input.function_name)?;
    find_function(&*lambda.snapshot().await?, &key).await?;
    let mut transaction = Transaction::new();
    ALIASES.delete(&mut transaction, &key.parts_and(input.name.as_str()));
    policy::delete(&mut transaction, &key, &input.name);
    concurrency::delete(&mut transaction, &key, &input.name);
    event_config::delete(&mut transaction, &key, &input.name);
    lambda.commit(&key, transaction).await?;
    provisioning::apply_later(lambda, &key);
    Ok(())
}
