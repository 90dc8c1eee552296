//! How the events of a function, version or alias are to be handled.

use std::time::Duration;

use delivery::EventSettings;
use ids::{Arn, Qualifier};
use store::Snapshot;

use crate::errors::Outcome;
use crate::figures;
use crate::function::FunctionReference;
use crate::tables::alias::ALIASES;
use crate::tables::event_config;
use crate::tables::function::{FUNCTIONS, FunctionRecord, VERSIONS, VersionRecord};

/// AWS's defaults (AWS Lambda API reference, `PutFunctionEventInvokeConfig`).
const RETRY_ATTEMPTS_DEFAULT: u32 = 2;
const EVENT_AGE_S_DEFAULT: u32 = 21_600;

/// The settings of what `reference` names, whether or not it can be run now. None when it does not exist.
pub(crate) async fn find_settings(
    snapshot: &dyn Snapshot,
    reference: &FunctionReference,
) -> Outcome<Option<EventSettings>> {
    let key = &reference.key;
    let Some(function) = FUNCTIONS.get(snapshot, &key.parts()).await? else { return Ok(None) };
    let number = match &reference.qualifier {
        None | Some(Qualifier::Latest) => None,
        Some(Qualifier::Version(number)) => Some(*number),
        Some(Qualifier::Alias(name)) => match ALIASES.get(snapshot, &key.parts_and(name.as_str())).await? {
            Some(row) => row.record.version,
            None => return Ok(None),
        },
    };
    let settings = match number {
        None => read_settings(snapshot, reference, &function.record, &function.record.latest).await?,
        Some(number) => match VERSIONS.get(snapshot, &key.parts_and(number)).await? {
            Some(row) => read_settings(snapshot, reference, &function.record, &row.record).await?,
            None => return Ok(None),
        },
    };
    Ok(Some(settings))
}

/// The settings of what `reference` names. `version` is the one that it leads to: the dead-letter queue is part of a
/// version's configuration. Of an alias with two versions it is the first one's.
pub(crate) async fn read_settings(
    snapshot: &dyn Snapshot,
    reference: &FunctionReference,
    function: &FunctionRecord,
    version: &VersionRecord,
) -> Outcome<EventSettings> {
    let key = &reference.key;
    let config = event_config::find(snapshot, key, reference.qualifier.as_ref()).await?.unwrap_or_default();
    // What is stored was parsed before.
    let arn = |text: Option<&String>| text.and_then(|text| Arn::parse(text).ok());
    let age_s = config.maximum_event_age_s.unwrap_or(EVENT_AGE_S_DEFAULT);
    Ok(EventSettings {
        maximum_retry_attempts: config.maximum_retry_attempts.unwrap_or(RETRY_ATTEMPTS_DEFAULT),
        maximum_event_age: Duration::from_secs(age_s.into()),
        on_success: arn(config.on_success.as_ref()),
        on_failure: arn(config.on_failure.as_ref()),
        dead_letter: arn(version.configuration.dead_letter_arn.as_ref()),
        is_switched_off: function.reserved_concurrency == Some(0),
        metrics: figures::source(key, reference.qualifier.as_ref(), None),
    })
}
