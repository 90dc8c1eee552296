//! Parameters that are not for this kind of source.

use api_lambda::SourceAccessConfiguration;

use super::Changes;
use crate::errors::{Failure, Outcome, invalid_parameter};

/// What is for Kafka, MQ and DocumentDB only.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn refuse_for_all(changes: &Changes) -> Outcome<()> {
    let access: Option<&[SourceAccessConfiguration]> = changes.source_access_configurations.as_deref();
    let group =
        changes.provisioned_poller_config.as_ref().and_then(|config| config.poller_group_name.as_ref());
    first([
        (access.is_some_and(|access| !access.is_empty()), quoted("sourceAccessConfigurations")),
        (
            changes.amazon_managed_kafka_event_source_config.is_some(),
            quoted("amazonManagedKafkaEventSourceConfig"),
        ),
        (
            changes.self_managed_kafka_event_source_config.is_some(),
            quoted("selfManagedKafkaEventSourceConfig"),
        ),
        (changes.document_db_event_source_config.is_some(), quoted("documentDBEventSourceConfig")),
        (
            changes.logging_config.as_ref().is_some_and(|config| config.system_log_level.is_some()),
            quoted("loggingConfig"),
        ),
        (group.is_some_and(|name| !name.is_empty()), quoted("provisionedPollerConfig.pollerGroupName")),
    ])
}

/// What is for streams only.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn refuse_for_queue(changes: &Changes) -> Outcome<()> {
    first([
        (changes.parallelization_factor.is_some(), "ParallelizationFactor".to_owned()),
        (changes.bisect_batch_on_function_error.is_some(), "BisectBatchOnFunctionError".to_owned()),
        (changes.maximum_retry_attempts.is_some(), "MaximumRetryAttempts".to_owned()),
        (changes.maximum_record_age_in_seconds.is_some(), "MaximumRecordAgeInSeconds".to_owned()),
        (changes.tumbling_window_in_seconds.is_some(), "TumblingWindowInSeconds".to_owned()),
    ])
}

/// What is for queues only.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn refuse_for_stream(changes: &Changes) -> Outcome<()> {
    let concurrency = changes.scaling_config.as_ref().and_then(|config| config.maximum_concurrency);
    let pollers = changes
        .provisioned_poller_config
        .as_ref()
        .and_then(|config| config.minimum_pollers.or(config.maximum_pollers));
    first([
        (concurrency.is_some(), quoted("scalingConfig")),
        (pollers.is_some(), quoted("provisionedPollerConfig")),
    ])
}

/// Newer parameters are quoted in AWS's texts, and begin with a small letter.
fn quoted(name: &str) -> String {
    format!("'{name}'")
}

/// In AWS's words.
pub(in crate::event_source_mapping) fn unsupported_parameter(name: &str) -> Failure {
    invalid_parameter(format!("Unsupported {name} parameter for given event source mapping type."))
}

fn first<const N: usize>(parameters: [(bool, String); N]) -> Outcome<()> {
    match parameters.into_iter().find(|(is_asked, _)| *is_asked) {
        Some((_, name)) => Err(unsupported_parameter(&name)),
        None => Ok(()),
    }
}
