//! `DeleteFunction`: a function with all that belongs to it, or one version.

use api_lambda::{DeleteFunctionRequest, DeleteFunctionResponse};
use ids::Qualifier;
use store::Transaction;
use wire::Context;

use crate::Lambda;
use crate::background::collection::discard_later;
use crate::concurrency::provisioning;
use crate::errors::{Failure, Outcome, conflict, invalid_parameter};
use crate::function::{FunctionReference, find_function, function_not_found};
use crate::tables::alias::ALIASES;
use crate::tables::function::{FunctionKey, VERSIONS, delete_function, delete_version, list_versions};
use crate::tables::unfinished::Unfinished;
use crate::tables::{concurrency, event_config, policy, unfinished};

/// What AWS answers (the model's own status is 200).
const NO_CONTENT: i32 = 204;

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: DeleteFunctionRequest,
) -> Outcome<DeleteFunctionResponse> {
    let (name, qualifier) = (&input.function_name, input.qualifier.as_deref());
    let reference = FunctionReference::parse(context, "DeleteFunction", name, qualifier)?;
    match reference.qualifier {
        None => delete_all(lambda, &reference.key).await?,
        Some(Qualifier::Version(number)) => delete_one(lambda, &reference, number).await?,
        Some(Qualifier::Latest) => {
            return Err(invalid_parameter(
                "$LATEST version cannot be deleted without deleting the function.",
            ));
        }
        Some(Qualifier::Alias(_)) => {
            return Err(invalid_parameter("Deletion of aliases is not currently supported."));
        }
    }
    Ok(DeleteFunctionResponse { status_code: Some(NO_CONTENT) })
}

/// Removes the function, also while it is being created or updated: the end of that is no conflict to tell of.
async fn delete_all(lambda: &Lambda, key: &FunctionKey) -> Outcome<()> {
    loop {
        match try_delete_all(lambda, key).await {
            Err(Failure::Conflict) => {}
            done => return done,
        }
    }
}

async fn try_delete_all(lambda: &Lambda, key: &FunctionKey) -> Outcome<()> {
    let snapshot = lambda.snapshot().await?;
    let function = find_function(&*snapshot, key).await?;
    let versions = list_versions(&*snapshot, key).await?;
    let mut transaction = Transaction::new();
    let freed = delete_function(&mut transaction, key, &function, &versions)?;
    ALIASES.delete_all(&mut transaction, &key.parts());
    policy::delete_all(&mut transaction, key);
    concurrency::delete_all(&mut transaction, key);
    event_config::delete_all(&mut transaction, key);
    unfinished::delete_all(&mut transaction, key);
    let committed = lambda.store.commit(transaction).await;
    lambda.changed(key);
    committed?;
    lambda.invoker.forget(&key.arn());
    provisioning::apply_reserved(lambda, key).await?;
    provisioning::apply_later(lambda, key);
    discard_later(lambda, freed);
    Ok(())
}

async fn delete_one(lambda: &Lambda, reference: &FunctionReference, number: u64) -> Outcome<()> {
    let key = &reference.key;
    let snapshot = lambda.snapshot().await?;
    // Observed on AWS: a function that is missing is named without the version.
    find_function(&*snapshot, key).await?;
    let version = VERSIONS
        .get(&*snapshot, &key.parts_and(number))
        .await?
        .ok_or_else(|| function_not_found(reference))?;
    let aliases = ALIASES.list(&*snapshot, &key.parts(), None, usize::MAX).await?;
    let referring: Vec<String> =
        aliases.into_iter().filter(|row| row.record.refers_to(number)).map(|row| row.record.name).collect();
    if !referring.is_empty() {
        return Err(conflict(format!(
            "Unable to delete version because the following aliases reference it: [{}]",
            referring.join(", ")
        )));
    }
    let mut transaction = Transaction::new();
    let freed = delete_version(&mut transaction, key, &version)?;
    let qualifier = number.to_string();
    policy::delete(&mut transaction, key, &qualifier);
    concurrency::delete(&mut transaction, key, &qualifier);
    event_config::delete(&mut transaction, key, &qualifier);
    Unfinished { key: key.clone(), number: Some(number) }.delete(&mut transaction);
    lambda.commit(key, transaction).await?;
    lambda.invoker.forget(&key.arn().qualified(Qualifier::Version(number)));
    provisioning::apply_later(lambda, key);
    discard_later(lambda, freed);
    Ok(())
}
