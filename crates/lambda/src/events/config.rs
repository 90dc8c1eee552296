//! `FunctionEventInvokeConfig`: whose it is, what may be asked for, and how it is shown. Source: AWS Lambda API reference,
//! `PutFunctionEventInvokeConfig`; error texts as recorded on AWS.

use api_lambda::{DestinationConfig, FunctionEventInvokeConfig, OnFailure, OnSuccess};
use ids::Qualifier;
use store::{Check, Row, Snapshot, Transaction};

use crate::Lambda;
use crate::errors::{Failure, Outcome, invalid_parameter, not_found};
use crate::events::destination::check_destinations;
use crate::function::FunctionReference;
use crate::tables::alias::ALIASES;
use crate::tables::event_config::{EVENT_CONFIGS, EventConfigRecord, qualifier_text};
use crate::tables::function::{FUNCTIONS, FunctionKey, VERSIONS};

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) maximum_retry_attempts: Option<i32>,
    pub(crate) maximum_event_age_s: Option<i32>,
    pub(crate) destinations: Option<DestinationConfig>,
}

impl Asked {
    fn is_empty(&self) -> bool {
        self.maximum_retry_attempts.is_none()
            && self.maximum_event_age_s.is_none()
            && self.destinations.is_none()
    }

    /// Applies what is asked for and leaves the rest as it is.
    fn apply(self, to: &mut EventConfigRecord) {
        // The model's bounds, which were checked, leave only positive numbers.
        if let Some(attempts) = self.maximum_retry_attempts {
            to.maximum_retry_attempts = Some(attempts.unsigned_abs());
        }
        if let Some(age_s) = self.maximum_event_age_s {
            to.maximum_event_age_s = Some(age_s.unsigned_abs());
        }
        if let Some(destinations) = self.destinations {
            to.on_success = destinations.on_success.and_then(|one| given(one.destination));
            to.on_failure = destinations.on_failure.and_then(|one| given(one.destination));
        }
    }
}

/// An empty ARN means none.
fn given(arn: Option<String>) -> Option<String> {
    arn.filter(|arn| !arn.is_empty())
}

/// Makes a configuration (`Put`, which forgets what is not asked for) or changes one (`Update`).
///
/// # Errors
/// `InvalidParameterValueException`; `ResourceNotFoundException` when there is no such function, version or alias, or
/// nothing to update.
pub(crate) async fn configure(
    lambda: &Lambda,
    reference: &FunctionReference,
    asked: Asked,
    is_update: bool,
) -> Outcome<FunctionEventInvokeConfig> {
    if asked.is_empty() {
        return Err(invalid_parameter(
            "You must specify at least one of error handling or destination setting.",
        ));
    }
    let snapshot = lambda.snapshot().await?;
    let mut transaction = Transaction::new();
    require_owner(&*snapshot, &mut transaction, reference).await?;
    let row = find(&*snapshot, reference).await?;
    let mut record = match (row, is_update) {
        (Some(row), true) => row.record,
        (None, true) => return Err(none_stored(reference)),
        (_, false) => EventConfigRecord::default(),
    };
    if let Some(destinations) = &asked.destinations {
        check_destinations(lambda, &reference.key, destinations).await?;
    }
    asked.apply(&mut record);
    record.last_modified = lambda.clock.now();
    let qualifier = qualifier_text(reference.qualifier.as_ref());
    EVENT_CONFIGS.put(&mut transaction, &reference.key.parts_and(qualifier.as_str()), &record)?;
    lambda.commit(&reference.key, transaction).await?;
    Ok(shown(&reference.key, &qualifier, &record))
}

/// Adds: what a configuration is for is not deleted meanwhile.
async fn require_owner(
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    reference: &FunctionReference,
) -> Outcome<()> {
    let key = &reference.key;
    let mut owners = vec![FUNCTIONS.key(&key.parts())];
    match &reference.qualifier {
        None | Some(Qualifier::Latest) => {}
        Some(Qualifier::Version(number)) => owners.push(VERSIONS.key(&key.parts_and(*number))),
        Some(Qualifier::Alias(name)) => owners.push(ALIASES.key(&key.parts_and(name.as_str()))),
    }
    for owner in owners {
        if snapshot.get(&owner).await?.is_none() {
            return Err(function_missing());
        }
        transaction.checks.push(Check::Present(owner));
    }
    Ok(())
}

/// The stored configuration of what a request is about.
pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    reference: &FunctionReference,
) -> Outcome<Option<Row<EventConfigRecord>>> {
    let qualifier = qualifier_text(reference.qualifier.as_ref());
    Ok(EVENT_CONFIGS.get(snapshot, &reference.key.parts_and(qualifier.as_str())).await?)
}

/// 404, in the words that these operations have for it.
pub(crate) fn function_missing() -> Failure {
    not_found("The function doesn't exist.")
}

/// 404 where nothing is configured. AWS says the same of a function that does not exist when it is asked for one.
pub(crate) fn none_stored(reference: &FunctionReference) -> Failure {
    let qualifier = reference.qualifier.clone().unwrap_or(Qualifier::Latest);
    not_found(format!(
        "The function {} doesn't have an EventInvokeConfig",
        reference.key.arn().qualified(qualifier)
    ))
}

/// As the API shows it.
pub(crate) fn shown(
    key: &FunctionKey,
    qualifier: &str,
    record: &EventConfigRecord,
) -> FunctionEventInvokeConfig {
    let number = |value: Option<u32>| value.and_then(|value| i32::try_from(value).ok());
    FunctionEventInvokeConfig {
        last_modified: Some(record.last_modified),
        function_arn: Some(key.arn().qualified(Qualifier::parse(qualifier)).to_string()),
        maximum_retry_attempts: number(record.maximum_retry_attempts),
        maximum_event_age_in_seconds: number(record.maximum_event_age_s),
        // Observed on AWS: what is not set is shown as an empty object.
        destination_config: Some(DestinationConfig {
            on_success: Some(OnSuccess { destination: record.on_success.clone() }),
            on_failure: Some(OnFailure { destination: record.on_failure.clone() }),
        }),
    }
}
