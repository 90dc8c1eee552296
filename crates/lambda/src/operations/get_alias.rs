//! `GetAlias`.

use api_lambda::{AliasConfiguration, GetAliasRequest};
use wire::Context;

use crate::Lambda;
use crate::errors::Outcome;
use crate::function::{FunctionReference, find_alias, find_function, shown_alias};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: GetAliasRequest,
) -> Outcome<AliasConfiguration> {
    let key = FunctionReference::parse_unqualified(context, "GetAlias", &input.function_name)?;
    let snapshot = lambda.snapshot().await?;
    find_function(&*snapshot, &key).await?;
    let row = find_alias(&*snapshot, &key, &input.name, "Cannot find alias arn").await?;
    Ok(shown_alias(&key, &row.record))
}
