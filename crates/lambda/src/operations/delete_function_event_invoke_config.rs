//! `DeleteFunctionEventInvokeConfig`.

use api_lambda::DeleteFunctionEventInvokeConfigRequest;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::events::config::{find, function_missing, none_stored};
use crate::function::FunctionReference;
use crate::tables::event_config::EVENT_CONFIGS;
use crate::tables::function::FUNCTIONS;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: DeleteFunctionEventInvokeConfigRequest,
) -> Outcome<()> {
    let operation = "DeleteFunctionEventInvokeConfig";
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, operation, name, qualifier)?;
    let snapshot = lambda.snapshot().await?;
    FUNCTIONS.get(&*snapshot, &reference.key.parts()).await?.ok_or_else(function_missing)?;
    let row = find(&*snapshot, &reference).await?.ok_or_else(|| none_stored(&reference))?;
    let mut transaction = Transaction::new();
    EVENT_CONFIGS.delete_row(&mut transaction, &row);
    lambda.commit(&reference.key, transaction).await
}
