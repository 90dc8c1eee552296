//! Configuring a mapping: a new one begins with the defaults and is changed as an existing one is. Sources: AWS Lambda
//! developer guide, "Lambda parameters for Amazon SQS event source mappings" and "Lambda parameters for Amazon Kinesis
//! Data Streams event source mappings".

mod unsupported;

use std::time::Duration;

use api_lambda::{
    CreateEventSourceMappingRequest, EventSourceMappingMetric, EventSourceMappingMetricsConfig,
    ProvisionedPollerConfig, UpdateEventSourceMappingRequest,
};
use event_source::{Mapping, Polling, ProvisionedPollers, QueuePolling, Start, State, StreamPolling};
use ids::{Arn, FunctionArn};
use wire::Context;

use super::Kind;
use super::destination::read_destination;
use super::filter::read_filters;
use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter};
pub(super) use unsupported::unsupported_parameter;
use unsupported::{refuse_for_all, refuse_for_queue, refuse_for_stream};

/// Defaults.
const QUEUE_BATCH_SIZE: u32 = 10;
const STREAM_BATCH_SIZE: u32 = 100;
const POLLERS_MINIMUM: u32 = 2;
const POLLERS_MAXIMUM: u32 = 200;

/// A FIFO queue's batches, and those of a standard queue that do not wait.
const SMALL_BATCH_SIZE_MAX: u32 = 10;
/// "The minimum valid value for maximum record age is 60s."
const RECORD_AGE_S_MIN: i32 = 60;

/// What may be asked for.
pub(crate) type Changes = UpdateEventSourceMappingRequest;

/// What is asked for, checked by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) function: Option<FunctionArn>,
    is_enabled: Option<bool>,
    batch_size: Option<u32>,
    batching_window: Option<Duration>,
    filters: Option<Vec<String>>,
    kms_key_arn: Option<Option<String>>,
    reports_batch_item_failures: Option<bool>,
    counts_events: Option<bool>,
    maximum_concurrency: Option<Option<u32>>,
    provisioned_pollers: Option<ProvisionedPollerConfig>,
    parallelization_factor: Option<u32>,
    bisects_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<Option<u32>>,
    maximum_record_age: Option<Option<Duration>>,
    tumbling_window: Option<Duration>,
    on_failure: Option<Option<Arn>>,
}

/// What a new mapping asks for, as changes of the defaults.
pub(crate) fn changes_of(input: CreateEventSourceMappingRequest) -> Changes {
    Changes {
        uuid: String::new(),
        function_name: Some(input.function_name),
        enabled: input.enabled,
        batch_size: input.batch_size,
        filter_criteria: input.filter_criteria,
        kms_key_arn: input.kms_key_arn,
        metrics_config: input.metrics_config,
        logging_config: input.logging_config,
        scaling_config: input.scaling_config,
        maximum_batching_window_in_seconds: input.maximum_batching_window_in_seconds,
        parallelization_factor: input.parallelization_factor,
        destination_config: input.destination_config,
        maximum_record_age_in_seconds: input.maximum_record_age_in_seconds,
        bisect_batch_on_function_error: input.bisect_batch_on_function_error,
        maximum_retry_attempts: input.maximum_retry_attempts,
        tumbling_window_in_seconds: input.tumbling_window_in_seconds,
        source_access_configurations: input.source_access_configurations,
        function_response_types: input.function_response_types,
        amazon_managed_kafka_event_source_config: input.amazon_managed_kafka_event_source_config,
        self_managed_kafka_event_source_config: input.self_managed_kafka_event_source_config,
        document_db_event_source_config: input.document_db_event_source_config,
        provisioned_poller_config: input.provisioned_poller_config,
    }
}

/// A mapping that nothing was asked for yet. Of a stream `start` says where it is read from; a queue has none.
pub(crate) fn new_mapping(
    lambda: &Lambda,
    context: &Context,
    source: Arn,
    function: FunctionArn,
    start: Option<Start>,
) -> Mapping {
    let (polling, batch_size, last_processing_result) = match start {
        None => (new_queue_polling(&source), QUEUE_BATCH_SIZE, None),
        Some(start) => {
            (new_stream_polling(start), STREAM_BATCH_SIZE, Some("No records processed".to_owned()))
        }
    };
    Mapping {
        uuid: lambda.ids.request_id().to_string(),
        account: context.account.clone(),
        region: context.region.clone(),
        source,
        function,
        is_enabled: true,
        batch_size,
        batching_window: Duration::ZERO,
        filters: Vec::new(),
        kms_key_arn: None,
        reports_batch_item_failures: false,
        counts_events: false,
        state: State::Creating,
        state_reason: reason(&polling).to_owned(),
        polling,
        last_processing_result,
        last_modified: lambda.clock.now(),
        revision: 0,
    }
}

fn new_queue_polling(queue: &Arn) -> Polling {
    // A queue with this end of its name is a FIFO one, and no other can be.
    let fifo = queue.resource.ends_with(".fifo");
    Polling::Queue(QueuePolling { fifo, ..QueuePolling::default() })
}

const fn new_stream_polling(start: Start) -> Polling {
    Polling::Stream(StreamPolling {
        start,
        parallelization_factor: 1,
        bisects_batch_on_function_error: false,
        maximum_retry_attempts: None,
        maximum_record_age: None,
        tumbling_window: Duration::ZERO,
        on_failure: None,
    })
}

/// `StateTransitionReason` after a caller's change.
const fn reason(polling: &Polling) -> &'static str {
    match polling {
        Polling::Queue(_) => "USER_INITIATED",
        Polling::Stream(_) => "User action",
    }
}

impl Change {
    /// Reads what is asked for of a mapping of this kind. The function is the caller's to find.
    ///
    /// # Errors
    /// In AWS's words: what is out of its bounds, not for this kind of source, or not supported.
    pub(crate) async fn read(lambda: &Lambda, kind: Kind, changes: &Changes) -> Outcome<Self> {
        let mut change = Self {
            is_enabled: changes.enabled,
            batch_size: changes.batch_size.map(number),
            batching_window: changes.maximum_batching_window_in_seconds.map(seconds),
            kms_key_arn: changes.kms_key_arn.clone().map(|arn| Some(arn).filter(|arn| !arn.is_empty())),
            reports_batch_item_failures: changes
                .function_response_types
                .as_ref()
                .map(|types| !types.is_empty()),
            maximum_concurrency: changes
                .scaling_config
                .as_ref()
                .map(|config| config.maximum_concurrency.map(number)),
            provisioned_pollers: changes.provisioned_poller_config.clone(),
            parallelization_factor: changes.parallelization_factor.map(number),
            bisects_batch_on_function_error: changes.bisect_batch_on_function_error,
            maximum_retry_attempts: changes
                .maximum_retry_attempts
                .map(|attempts| u32::try_from(attempts).ok()),
            tumbling_window: changes.tumbling_window_in_seconds.map(seconds),
            ..Self::default()
        };
        refuse_for_all(changes)?;
        match kind {
            Kind::Queue => refuse_for_queue(changes)?,
            Kind::Stream => refuse_for_stream(changes)?,
        }
        if let Some(config) = &changes.destination_config {
            change.on_failure = Some(read_destination(lambda, config, kind).await?);
        }
        change.maximum_record_age = changes.maximum_record_age_in_seconds.map(read_age).transpose()?;
        change.counts_events = changes.metrics_config.as_ref().map(read_metrics).transpose()?;
        change.filters =
            changes.filter_criteria.as_ref().map(|criteria| read_filters(criteria, kind)).transpose()?;
        Ok(change)
    }

    /// Applies what is asked for and leaves the rest as it is. How the mapping goes on is not decided here.
    pub(crate) fn apply(self, to: &mut Mapping) {
        set(&mut to.function, self.function);
        set(&mut to.is_enabled, self.is_enabled);
        set(&mut to.batch_size, self.batch_size);
        set(&mut to.batching_window, self.batching_window);
        set(&mut to.filters, self.filters);
        set(&mut to.kms_key_arn, self.kms_key_arn);
        set(&mut to.reports_batch_item_failures, self.reports_batch_item_failures);
        set(&mut to.counts_events, self.counts_events);
        reason(&to.polling).clone_into(&mut to.state_reason);
        match &mut to.polling {
            Polling::Queue(queue) => {
                set(&mut queue.maximum_concurrency, self.maximum_concurrency);
                if let Some(asked) = self.provisioned_pollers {
                    queue.provisioned_pollers = provisioned(queue.provisioned_pollers, &asked);
                }
            }
            Polling::Stream(stream) => {
                set(&mut stream.parallelization_factor, self.parallelization_factor);
                set(&mut stream.bisects_batch_on_function_error, self.bisects_batch_on_function_error);
                set(&mut stream.maximum_retry_attempts, self.maximum_retry_attempts);
                set(&mut stream.maximum_record_age, self.maximum_record_age);
                set(&mut stream.tumbling_window, self.tumbling_window);
                set(&mut stream.on_failure, self.on_failure);
            }
        }
    }
}

/// What depends on more than one parameter.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) fn check_whole(mapping: &Mapping) -> Outcome<()> {
    match &mapping.polling {
        Polling::Queue(queue) => check_queue(mapping, queue),
        Polling::Stream(stream) if stream.parallelization_factor > 1 && !stream.tumbling_window.is_zero() => {
            Err(invalid_parameter(
                "Parallelization factor must be equal to 1 when tumbling window period is configured",
            ))
        }
        Polling::Stream(_) => Ok(()),
    }
}

fn check_queue(mapping: &Mapping, queue: &QueuePolling) -> Outcome<()> {
    let is_large = mapping.batch_size > SMALL_BATCH_SIZE_MAX;
    if queue.fifo && !mapping.batching_window.is_zero() {
        return Err(invalid_parameter("Batching window is not supported for FIFO queues"));
    }
    if queue.fifo && is_large {
        // AWS's words of when this was the limit of all queues.
        return Err(invalid_parameter(format!(
            "Maximum batch size must be between 1 and {SMALL_BATCH_SIZE_MAX} inclusive"
        )));
    }
    if is_large && mapping.batching_window.is_zero() {
        return Err(invalid_parameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ));
    }
    let Some(pollers) = queue.provisioned_pollers else { return Ok(()) };
    // "You can't use provisioned mode and the maximum concurrency setting together."
    if queue.maximum_concurrency.is_some() {
        return Err(invalid_parameter(
            "ScalingConfig and ProvisionedPollerConfig cannot be used together: MaximumPollers limits the concurrency.",
        ));
    }
    for (name, value) in [("MinimumPollers", pollers.minimum), ("MaximumPollers", pollers.maximum)] {
        if value < POLLERS_MINIMUM {
            return Err(invalid_parameter(format!(
                "{name} of an SQS event source mapping must be {POLLERS_MINIMUM} or more."
            )));
        }
    }
    if pollers.minimum > pollers.maximum {
        return Err(invalid_parameter(format!(
            "MinimumPollers ({}) must not be greater than MaximumPollers ({}).",
            pollers.minimum, pollers.maximum
        )));
    }
    Ok(())
}

/// An empty configuration switches provisioned mode off.
fn provisioned(
    before: Option<ProvisionedPollers>,
    asked: &ProvisionedPollerConfig,
) -> Option<ProvisionedPollers> {
    if asked.minimum_pollers.is_none() && asked.maximum_pollers.is_none() {
        return None;
    }
    let before = before.unwrap_or(ProvisionedPollers { minimum: POLLERS_MINIMUM, maximum: POLLERS_MAXIMUM });
    Some(ProvisionedPollers {
        minimum: asked.minimum_pollers.map_or(before.minimum, number),
        maximum: asked.maximum_pollers.map_or(before.maximum, number),
    })
}

fn read_age(age_s: i32) -> Outcome<Option<Duration>> {
    match age_s {
        -1 => Ok(None),
        age_s if age_s >= RECORD_AGE_S_MIN => Ok(Some(seconds(age_s))),
        _ => Err(invalid_parameter(
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)",
        )),
    }
}

/// Whether events are counted: queues and streams have no other metrics.
fn read_metrics(config: &EventSourceMappingMetricsConfig) -> Outcome<bool> {
    let metrics = config.metrics.as_deref().unwrap_or_default();
    match metrics.iter().find(|metric| **metric != EventSourceMappingMetric::EventCount) {
        None => Ok(!metrics.is_empty()),
        Some(other) => Err(invalid_parameter(format!(
            "Unsupported metric '{}' for given event source mapping type.",
            other.as_str()
        ))),
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// The model's bounds, which were checked, leave only positive numbers.
fn number(value: i32) -> u32 {
    value.unsigned_abs()
}

fn seconds(value: i32) -> Duration {
    Duration::from_secs(number(value).into())
}
