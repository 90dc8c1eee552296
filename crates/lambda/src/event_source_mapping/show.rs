//! How mappings are shown: which members there are depends on the kind of source (as recorded on AWS).

use std::time::Duration;

use api_lambda::{
    DestinationConfig, EventSourceMappingConfiguration, EventSourceMappingMetric,
    EventSourceMappingMetricsConfig, EventSourcePosition, Filter, FilterCriteria, FunctionResponseType,
    OnFailure, ProvisionedPollerConfig, ScalingConfig,
};
use event_source::{Mapping, Polling, QueuePolling, Start, StreamPolling};

/// What shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// An answer about one mapping.
    Alone,
    /// A list: "If filter criteria is encrypted, this field shows up as null in the response of ListEventSourceMapping".
    InList,
}

/// As the API shows it.
pub(crate) fn shown(mapping: &Mapping, how: Shown) -> EventSourceMappingConfiguration {
    let is_hidden = how == Shown::InList && mapping.kms_key_arn.is_some();
    let filters = mapping.filters.iter().map(|pattern| Filter { pattern: Some(pattern.clone()) }).collect();
    let types = mapping.reports_batch_item_failures.then_some(FunctionResponseType::ReportBatchItemFailures);
    let metrics = mapping.counts_events.then(|| vec![EventSourceMappingMetric::EventCount]);
    let whole = EventSourceMappingConfiguration {
        uuid: Some(mapping.uuid.clone()),
        batch_size: number(mapping.batch_size),
        maximum_batching_window_in_seconds: seconds(mapping.batching_window),
        event_source_arn: Some(mapping.source.to_string()),
        event_source_mapping_arn: Some(arn(mapping)),
        filter_criteria: (!mapping.filters.is_empty() && !is_hidden)
            .then_some(FilterCriteria { filters: Some(filters) }),
        kms_key_arn: mapping.kms_key_arn.clone(),
        metrics_config: metrics.map(|metrics| EventSourceMappingMetricsConfig { metrics: Some(metrics) }),
        function_arn: Some(mapping.function.to_string()),
        function_response_types: Some(types.into_iter().collect()),
        last_modified: Some(mapping.last_modified),
        last_processing_result: mapping.last_processing_result.clone(),
        state: Some(mapping.state.name().to_owned()),
        state_transition_reason: Some(mapping.state_reason.clone()),
        ..EventSourceMappingConfiguration::default()
    };
    match &mapping.polling {
        Polling::Queue(queue) => with_queue(whole, queue),
        Polling::Stream(stream) => with_stream(whole, stream),
    }
}

fn with_queue(
    whole: EventSourceMappingConfiguration,
    queue: &QueuePolling,
) -> EventSourceMappingConfiguration {
    let scaling = queue.maximum_concurrency.map(|most| ScalingConfig { maximum_concurrency: number(most) });
    let pollers = queue.provisioned_pollers.map(|pollers| ProvisionedPollerConfig {
        minimum_pollers: number(pollers.minimum),
        maximum_pollers: number(pollers.maximum),
        poller_group_name: None,
    });
    EventSourceMappingConfiguration { scaling_config: scaling, provisioned_poller_config: pollers, ..whole }
}

fn with_stream(
    whole: EventSourceMappingConfiguration,
    stream: &StreamPolling,
) -> EventSourceMappingConfiguration {
    let (position, timestamp) = match stream.start {
        Start::TrimHorizon => (EventSourcePosition::TrimHorizon, None),
        Start::Latest => (EventSourcePosition::Latest, None),
        Start::AtTimestamp(timestamp) => (EventSourcePosition::AtTimestamp, Some(timestamp)),
    };
    let destination = stream.on_failure.as_ref().map(ToString::to_string);
    EventSourceMappingConfiguration {
        starting_position: Some(position),
        starting_position_timestamp: timestamp,
        parallelization_factor: number(stream.parallelization_factor),
        bisect_batch_on_function_error: Some(stream.bisects_batch_on_function_error),
        maximum_retry_attempts: stream.maximum_retry_attempts.map_or(Some(-1), number),
        maximum_record_age_in_seconds: stream.maximum_record_age.map_or(Some(-1), seconds),
        tumbling_window_in_seconds: seconds(stream.tumbling_window),
        destination_config: Some(DestinationConfig {
            on_success: None,
            on_failure: Some(OnFailure { destination }),
        }),
        ..whole
    }
}

fn arn(mapping: &Mapping) -> String {
    let Mapping { region, account, uuid, .. } = mapping;
    format!("arn:aws:lambda:{region}:{account}:event-source-mapping:{uuid}")
}

fn number(value: u32) -> Option<i32> {
    i32::try_from(value).ok()
}

fn seconds(value: Duration) -> Option<i32> {
    i32::try_from(value.as_secs()).ok()
}
