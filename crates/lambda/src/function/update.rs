//! Replacing `$LATEST`: what ran before serves until the new one is ready.

use store::{Row, Transaction};

use crate::Lambda;
use crate::background::collection::discard_later;
use crate::background::preparation::prepare_later;
use crate::errors::Outcome;
use crate::tables::function::{FunctionKey, FunctionRecord, LastUpdate, State, VersionRecord, put_function};
use crate::tables::unfinished::Unfinished;

/// Puts `latest` in the place of what is there, to be prepared.
pub(crate) fn begin_update(lambda: &Lambda, function: &mut FunctionRecord, mut latest: VersionRecord) {
    latest.revision_id = lambda.revision_id();
    latest.last_modified = lambda.clock.now();
    latest.last_update = LastUpdate::InProgress;
    let before = std::mem::replace(&mut function.latest, latest);
    if function.serving.is_none() && before.state == State::Active {
        function.serving = Some(before);
    }
}

/// Commits an update that has begun, with what is in `transaction` already, and prepares the new code afterwards.
pub(crate) async fn commit_update(
    lambda: &Lambda,
    mut transaction: Transaction,
    key: &FunctionKey,
    row: &Row<FunctionRecord>,
    function: &FunctionRecord,
    published: Option<u64>,
) -> Outcome<()> {
    let freed = put_function(&mut transaction, key, Some(row), function)?;
    let mut unfinished = vec![Unfinished { key: key.clone(), number: None }];
    unfinished.extend(published.map(|number| Unfinished { key: key.clone(), number: Some(number) }));
    for what in &unfinished {
        what.put(&mut transaction)?;
    }
    lambda.commit(key, transaction).await?;
    for what in unfinished {
        prepare_later(lambda, what);
    }
    discard_later(lambda, freed);
    Ok(())
}
