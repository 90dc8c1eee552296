//! `PutProvisionedConcurrencyConfig`.

use api_lambda::{
    ProvisionedConcurrencyStatusEnum, PutProvisionedConcurrencyConfigRequest,
    PutProvisionedConcurrencyConfigResponse,
};
use store::{Check, Snapshot, Transaction};
use wire::Context;

use crate::Lambda;
use crate::concurrency::{Provisionable, SetAside, UNPUBLISHED, UNRESERVED_MIN, provisioning};
use crate::errors::{Failure, Outcome, conflict, invalid_parameter};
use crate::tables::concurrency::{self, PROVISIONED, ProvisionedRecord, take_turn};
use crate::tables::function::{FUNCTIONS, VERSIONS};

pub(crate) async fn run(
    lambda: &Lambda,
    context: &Context,
    input: PutProvisionedConcurrencyConfigRequest,
) -> Outcome<PutProvisionedConcurrencyConfigResponse> {
    let operation = "PutProvisionedConcurrencyConfig";
    // The model admits no number below 1.
    let executions = input.provisioned_concurrent_executions.unsigned_abs();
    let named = (input.function_name.as_str(), input.qualifier.as_str());
    let record = ProvisionedRecord { executions, last_modified: lambda.clock.now() };
    let target = loop {
        let snapshot = lambda.snapshot().await?;
        let target = Provisionable::find(&*snapshot, context, operation, named, UNPUBLISHED).await?;
        let version = target.version.ok_or_else(|| invalid_parameter(UNPUBLISHED))?;
        check_alias(&*snapshot, &target).await?;
        check_executions(lambda, &*snapshot, &target, executions).await?;
        match commit(lambda, &*snapshot, &target, version, &record).await {
            Ok(()) => break target,
            // Somebody else deleted the version, or set concurrency aside.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    };
    provisioning::apply_later(lambda, &target.key);
    Ok(PutProvisionedConcurrencyConfigResponse {
        requested_provisioned_concurrent_executions: Some(input.provisioned_concurrent_executions),
        allocated_provisioned_concurrent_executions: Some(0),
        available_provisioned_concurrent_executions: Some(0),
        status: Some(ProvisionedConcurrencyStatusEnum::InProgress),
        status_reason: None,
        last_modified: Some(record.last_modified.lambda()),
    })
}

/// A version's environments are provisioned either for itself or for one alias.
async fn check_alias(snapshot: &dyn Snapshot, target: &Provisionable) -> Outcome<()> {
    if target.alias.as_ref().is_some_and(|alias| alias.record.additional.is_some()) {
        return Err(invalid_parameter("Alias with weights can not be used with Provisioned Concurrency"));
    }
    let own = target.qualifier_text();
    for other in concurrency::list(snapshot, &target.key.parts()).await? {
        if other.qualifier == own
            || provisioning::version_of(snapshot, &target.key, &other.qualifier).await? != target.version
        {
            continue;
        }
        return Err(conflict(if target.alias.is_some() {
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        } else {
            "Version is pointed by a Provisioned Concurrency alias"
        }));
    }
    Ok(())
}

async fn check_executions(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    target: &Provisionable,
    executions: u32,
) -> Outcome<()> {
    let key = &target.key;
    let set_aside = SetAside::read(snapshot, &key.account, &key.region).await?;
    let before = PROVISIONED.get(snapshot, &key.parts_and(target.qualifier_text().as_str())).await?;
    let mut claim = set_aside.of(&key.name);
    claim.provisioned = claim
        .provisioned
        .saturating_sub(before.map_or(0, |row| row.record.executions))
        .saturating_add(executions);
    if claim.reserved.is_some_and(|reserved| claim.provisioned > reserved) {
        return Err(invalid_parameter(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for \
             function",
        ));
    }
    let limit = lambda.invoker.account_concurrency(&key.account, &key.region);
    if executions > limit {
        return Err(invalid_parameter(format!(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency \
             [{limit}]."
        )));
    }
    if set_aside.leaves_too_little(&key.name, claim, limit) {
        return Err(invalid_parameter(format!(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
             its minimum value of [{UNRESERVED_MIN}]."
        )));
    }
    Ok(())
}

async fn commit(
    lambda: &Lambda,
    snapshot: &dyn Snapshot,
    target: &Provisionable,
    version: u64,
    record: &ProvisionedRecord,
) -> Outcome<()> {
    let key = &target.key;
    // What it is for is not deleted meanwhile, and an alias is what it was.
    let mut transaction = Transaction::new()
        .check(Check::Present(FUNCTIONS.key(&key.parts())))
        .check(Check::Present(VERSIONS.key(&key.parts_and(version))));
    if let Some(alias) = &target.alias {
        transaction = transaction.check(Check::Version(alias.key.clone(), alias.version));
    }
    PROVISIONED.put(&mut transaction, &key.parts_and(target.qualifier_text().as_str()), record)?;
    take_turn(snapshot, &mut transaction, key).await?;
    lambda.store.commit(transaction).await?;
    Ok(())
}
