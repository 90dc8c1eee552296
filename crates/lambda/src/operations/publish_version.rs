//! `PublishVersion`.

use api_lambda::{FunctionConfiguration, PublishVersionRequest};
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter, unsupported};
use crate::function::{
    FunctionReference, Shown, check_revision, ensure_changeable, find_function, publish, shown,
};
use crate::tables::function::put_function;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PublishVersionRequest,
) -> Outcome<FunctionConfiguration> {
    let key = FunctionReference::parse_unqualified(context, "PublishVersion", &input.function_name)?;
    if input.publish_to.is_some() {
        return Err(unsupported("PublishTo"));
    }
    let snapshot = lambda.snapshot().await?;
    let row = find_function(&*snapshot, &key).await?;
    let mut function = row.record.clone();
    ensure_changeable(&key, &function)?;
    check_revision(input.revision_id.as_deref(), &function.latest.revision_id)?;
    let current = &function.latest.code.sha256_base64;
    if let Some(wanted) = input.code_sha256.filter(|wanted| !wanted.is_empty() && wanted != current) {
        return Err(invalid_parameter(format!(
            "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({current}). Please try again \
             with the CodeSHA256 in $LATEST."
        )));
    }
    let mut transaction = Transaction::new();
    let published =
        publish(lambda, &*snapshot, &mut transaction, &key, &mut function, input.description).await?;
    if published.is_new {
        put_function(&mut transaction, &key, Some(&row), &function)?;
        lambda.commit(&key, transaction).await?;
    }
    Ok(shown(&key, &published.version, Shown::Version))
}
