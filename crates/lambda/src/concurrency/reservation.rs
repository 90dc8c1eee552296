//! Reserving concurrency for a function, and giving it back.

use store::{Row, Snapshot, Transaction};
use wire::Context;

use crate::Lambda;
use crate::concurrency::{SetAside, UNRESERVED_MIN, provisioning};
use crate::errors::{Failure, Outcome, invalid_parameter, not_found};
use crate::function::FunctionReference;
use crate::tables::concurrency::take_turn;
use crate::tables::function::{FUNCTIONS, FunctionKey, FunctionRecord, put_function};

/// The function that a request about reserved concurrency names.
///
/// # Errors
/// `InvalidParameterValueException` for a version or an alias.
pub(crate) fn whole_function(context: &Context, operation: &str, name: &str) -> Outcome<FunctionKey> {
    let reference = FunctionReference::parse(context, operation, name, None)?;
    if reference.qualifier.is_some() {
        return Err(invalid_parameter(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this \
             operation. Please specify either a function name or an unqualified function ARN.",
        ));
    }
    Ok(reference.key)
}

/// Reserves so much for a function, or nothing.
///
/// # Errors
/// `ResourceNotFoundException`; `InvalidParameterValueException` when too little would be left for the others, or
/// more is provisioned already.
pub(crate) async fn reserve(lambda: &Lambda, key: &FunctionKey, reserved: Option<u32>) -> Outcome<()> {
    loop {
        let snapshot = lambda.snapshot().await?;
        let row = FUNCTIONS.get(&*snapshot, &key.parts()).await?;
        let row = row.ok_or_else(|| not_found(format!("Function not found: {}:$LATEST", key.arn())))?;
        check(lambda, &*snapshot, key, reserved).await?;
        match commit(lambda, &*snapshot, key, &row, reserved).await {
            Ok(()) => {
                lambda.changed(key);
                return provisioning::apply_reserved(lambda, key).await;
            }
            // Somebody else changed the function, or set concurrency aside.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}

async fn check(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    reserved: Option<u32>,
) -> Outcome<()> {
    let set_aside = SetAside::read(snapshot, &key.account, &key.region).await?;
    let mut claim = set_aside.of(&key.name);
    claim.reserved = reserved;
    let limit = lambda.invoker.account_concurrency(&key.account, &key.region);
    if set_aside.leaves_too_little(&key.name, claim, limit) {
        return Err(invalid_parameter(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's \
             UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
        )));
    }
    match reserved {
        // Both spaces are AWS's.
        Some(reserved) if reserved < claim.provisioned => Err(invalid_parameter(format!(
            " ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned \
             concurrency [{}].",
            claim.provisioned
        ))),
        _ => Ok(()),
    }
}

async fn commit(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    row: &Row<FunctionRecord>,
    reserved: Option<u32>,
) -> Outcome<()> {
    let mut transaction = Transaction::new();
    let record = FunctionRecord { reserved_concurrency: reserved, ..row.record.clone() };
    put_function(&mut transaction, key, Some(row), &record)?;
    take_turn(snapshot, &mut transaction, key).await?;
    lambda.store.commit(transaction).await?;
    Ok(())
}
