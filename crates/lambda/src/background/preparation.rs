//! Prepares new code: what happens between `Pending` and `Active`, and between `InProgress` and `Successful`.

use packages::PackageError;
use runtimes::{Kind, Runtime};
use store::Transaction;

use crate::Lambda;
use crate::background::collection::discard_later;
use crate::concurrency::provisioning;
use crate::errors::{Failure, Outcome};
use crate::function::FunctionReference;
use crate::routes::find_route;
use crate::tables::function::{
    FUNCTIONS, FunctionKey, LastUpdate, Reason, State, VERSIONS, VersionRecord, put_function, put_version,
};
use crate::tables::unfinished::{self, Unfinished};

/// Prepares a version in the background. Its row in `unfinished` has been committed.
pub(crate) fn prepare_later(lambda: &Lambda, what: Unfinished) {
    let inner = lambda.clone();
    lambda.tasks.spawn("code preparation", async move { prepare(&inner, &what).await });
}

/// Finishes what was unfinished when the server ended.
pub(crate) async fn resume(lambda: &Lambda) -> Outcome<()> {
    for what in unfinished::list(&*lambda.snapshot().await?).await? {
        prepare(lambda, &what).await;
    }
    Ok(())
}

async fn prepare(lambda: &Lambda, what: &Unfinished) {
    loop {
        let done = match what.number {
            None => prepare_latest(lambda, what).await,
            Some(number) => prepare_version(lambda, what, number).await,
        };
        match done {
            Ok(()) => return,
            // Somebody changed the function meanwhile: once more, with what it is now.
            Err(Failure::Conflict) => {}
            Err(error) => {
                let (function, number) = (what.key.arn(), what.number);
                tracing::error!(%function, number, ?error, "code could not be prepared; the next start tries again");
                return;
            }
        }
    }
}

async fn prepare_latest(lambda: &Lambda, what: &Unfinished) -> Outcome<()> {
    let snapshot = lambda.snapshot().await?;
    let Some(row) = FUNCTIONS.get(&*snapshot, &what.key.parts()).await? else { return Ok(()) };
    let mut function = row.record.clone();
    if !is_waiting(&function.latest) {
        return Ok(());
    }
    let result = make_ready(lambda, &function.latest).await;
    if result.is_ok() {
        function.serving = None;
    }
    finish(lambda, &mut function.latest, result);
    let mut transaction = Transaction::new();
    let freed = put_function(&mut transaction, &what.key, Some(&row), &function)?;
    what.delete(&mut transaction);
    commit(lambda, &what.key, transaction).await?;
    discard_later(lambda, freed);
    expect_invocations(lambda, &what.key).await;
    Ok(())
}

/// What is deployed is invoked soon, as a rule: the way to it, and what its environments have in common with others of
/// the account, are made ahead of that.
async fn expect_invocations(lambda: &Lambda, key: &FunctionKey) {
    let reference = FunctionReference { key: key.clone(), qualifier: None };
    // What cannot be run is told to whoever invokes it.
    if let Ok(route) = find_route(lambda, &reference).await {
        lambda.invoker.expect(&route.choose(|| 1.0).target.function);
    }
}

async fn prepare_version(lambda: &Lambda, what: &Unfinished, number: u64) -> Outcome<()> {
    let snapshot = lambda.snapshot().await?;
    let Some(row) = VERSIONS.get(&*snapshot, &what.key.parts_and(number)).await? else { return Ok(()) };
    let mut version = row.record.clone();
    if !is_waiting(&version) {
        return Ok(());
    }
    let result = make_ready(lambda, &version).await;
    finish(lambda, &mut version, result);
    let mut transaction = Transaction::new();
    put_version(&mut transaction, &what.key, number, Some(&row), &version)?;
    what.delete(&mut transaction);
    commit(lambda, &what.key, transaction).await?;
    provisioning::apply_later(lambda, &what.key);
    Ok(())
}

/// A conflict is told as such here: no caller waits for an answer.
async fn commit(lambda: &Lambda, key: &FunctionKey, transaction: Transaction) -> Outcome<()> {
    lambda.store.commit(transaction).await?;
    lambda.changed(key);
    Ok(())
}

/// Not any more when it was prepared twice, by a start and by the operation itself.
fn is_waiting(version: &VersionRecord) -> bool {
    version.state == State::Pending || version.last_update == LastUpdate::InProgress
}

/// Observed on AWS: the revision changes once more when a change takes effect.
fn finish(lambda: &Lambda, version: &mut VersionRecord, result: Result<(), Reason>) {
    version.revision_id = lambda.revision_id();
    match (result, &version.state) {
        (Ok(()), _) => {
            version.state = State::Active;
            version.last_update = LastUpdate::Successful;
        }
        // What ran before goes on running.
        (Err(reason), State::Active) => version.last_update = LastUpdate::Failed(reason),
        (Err(reason), _) => {
            version.state = State::Failed(reason.clone());
            version.last_update = LastUpdate::Failed(reason);
        }
    }
}

/// Unpacks the code and the layers, and makes sure that there is something to run them with.
async fn make_ready(lambda: &Lambda, version: &VersionRecord) -> Result<(), Reason> {
    let internal = |error: PackageError| Reason { code: "InternalError".to_owned(), text: error.to_string() };
    lambda.packages.unpacked(&version.code.key).await.map_err(internal)?;
    for layer in &version.configuration.layers {
        lambda.packages.unpacked(&layer.package.key).await.map_err(internal)?;
    }
    let runtime = &version.configuration.runtime;
    let invalid = |text: String| Reason { code: "InvalidRuntime".to_owned(), text };
    let found = Runtime::find(runtime).ok_or_else(|| invalid(format!("There is no runtime {runtime}.")))?;
    if found.kind == Kind::Custom {
        return Ok(());
    }
    let (interpreters, strict) = (lambda.interpreters.clone(), lambda.strict_runtimes);
    match lambda.tasks.blocking(move || interpreters.resolve(found, strict)).await {
        Ok(Ok(_interpreter)) => Ok(()),
        Ok(Err(error)) => Err(invalid(error.to_string())),
        Err(error) => Err(Reason { code: "InternalError".to_owned(), text: error.to_string() }),
    }
}
