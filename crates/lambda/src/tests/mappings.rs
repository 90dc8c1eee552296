//! The life of event source mappings, as the API tells of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api_lambda::*;
use clock::{Clock, Timestamp, VirtualClock};
use wire::Error;

use super::functions::{delete as delete_function, publish};
use super::harness::{ARN, Harness, context, idle, told};
use super::mapping_requests::{Create, FIFO, QUEUE, STREAM, of};

type Mapping = EventSourceMappingConfiguration;
type Update = UpdateEventSourceMappingRequest;

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::new(Timestamp::from_millis(1_706_688_309_000)))
}

/// With the function `f`, and pollers that run.
async fn running(clock: &Arc<VirtualClock>) -> Harness {
    let harness = Harness::running(clock).await;
    harness.create(idle("f")).await;
    harness
}

async fn create(harness: &Harness, request: Create) -> Mapping {
    harness.lambda.create_event_source_mapping(&context(), request).await.unwrap()
}

async fn get(harness: &Harness, uuid: &str) -> Result<Mapping, Error> {
    let request = GetEventSourceMappingRequest { uuid: uuid.to_owned() };
    harness.lambda.get_event_source_mapping(&context(), request).await
}

async fn update(harness: &Harness, uuid: &str, request: Update) -> Result<Mapping, Error> {
    let request = Update { uuid: uuid.to_owned(), ..request };
    harness.lambda.update_event_source_mapping(&context(), request).await
}

async fn delete(harness: &Harness, uuid: &str) -> Result<Mapping, Error> {
    let request = DeleteEventSourceMappingRequest { uuid: uuid.to_owned() };
    harness.lambda.delete_event_source_mapping(&context(), request).await
}

async fn list(harness: &Harness, request: ListEventSourceMappingsRequest) -> (Vec<Mapping>, Option<String>) {
    let page = harness.lambda.list_event_source_mappings(&context(), request).await.unwrap();
    (page.event_source_mappings.unwrap(), page.next_marker)
}

fn uuid(mapping: &Mapping) -> String {
    mapping.uuid.clone().unwrap()
}

fn state(mapping: &Mapping) -> &str {
    mapping.state.as_deref().unwrap()
}

/// What is the same in both kinds of mappings. The UUID is the server's choice.
fn basic(shown: &Mapping, source: &str) -> Mapping {
    let uuid = uuid(shown);
    Mapping {
        event_source_arn: Some(source.to_owned()),
        event_source_mapping_arn: Some(format!(
            "arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:{uuid}"
        )),
        function_arn: Some(format!("{ARN}:f")),
        uuid: Some(uuid),
        maximum_batching_window_in_seconds: Some(0),
        function_response_types: Some(Vec::new()),
        last_modified: Some(Timestamp::from_millis(1_706_688_309_000)),
        state: Some("Creating".to_owned()),
        ..Mapping::default()
    }
}

#[tokio::test]
async fn a_mapping_of_a_queue_shows_what_queues_have() {
    let clock = clock();
    let harness = running(&clock).await;
    for source in [QUEUE, FIFO] {
        let created = create(&harness, of(source)).await;
        let expected = Mapping {
            batch_size: Some(10),
            state_transition_reason: Some("USER_INITIATED".to_owned()),
            ..basic(&created, source)
        };
        assert_eq!(created, expected);
        clock.quiet().await;
        let enabled = get(&harness, &uuid(&created)).await.unwrap();
        assert_eq!(enabled, Mapping { state: Some("Enabled".to_owned()), ..expected });
    }
}

#[tokio::test]
async fn a_mapping_of_a_stream_shows_what_streams_have() {
    let clock = clock();
    let harness = running(&clock).await;
    let created = create(&harness, of(STREAM)).await;
    let expected = Mapping {
        batch_size: Some(100),
        bisect_batch_on_function_error: Some(false),
        destination_config: Some(DestinationConfig {
            on_success: None,
            on_failure: Some(OnFailure::default()),
        }),
        last_processing_result: Some("No records processed".to_owned()),
        maximum_record_age_in_seconds: Some(-1),
        maximum_retry_attempts: Some(-1),
        parallelization_factor: Some(1),
        starting_position: Some(EventSourcePosition::TrimHorizon),
        tumbling_window_in_seconds: Some(0),
        state_transition_reason: Some("User action".to_owned()),
        ..basic(&created, STREAM)
    };
    assert_eq!(created, expected);
    clock.quiet().await;
    let enabled = get(&harness, &uuid(&created)).await.unwrap();
    assert_eq!(enabled, Mapping { state: Some("Enabled".to_owned()), ..expected });
}

#[tokio::test]
async fn all_that_is_asked_for_of_a_queue_is_shown() {
    let clock = clock();
    let harness = running(&clock).await;
    publish(&harness, "f", None).await;
    let pattern = "{\"body\": {\"a\": [1]}}".to_owned();
    let criteria = FilterCriteria { filters: Some(vec![Filter { pattern: Some(pattern) }]) };
    let metrics =
        EventSourceMappingMetricsConfig { metrics: Some(vec![EventSourceMappingMetric::EventCount]) };
    let key = "arn:aws:kms:eu-central-1:000000000000:key/k".to_owned();
    let types = vec![FunctionResponseType::ReportBatchItemFailures];
    let request = Create {
        function_name: "f:1".to_owned(),
        enabled: Some(false),
        batch_size: Some(10_000),
        maximum_batching_window_in_seconds: Some(300),
        filter_criteria: Some(criteria.clone()),
        kms_key_arn: Some(key.clone()),
        metrics_config: Some(metrics.clone()),
        scaling_config: Some(ScalingConfig { maximum_concurrency: Some(2) }),
        function_response_types: Some(types.clone()),
        // Nothing is asked for with these.
        destination_config: Some(DestinationConfig::default()),
        provisioned_poller_config: Some(ProvisionedPollerConfig::default()),
        ..of(QUEUE)
    };
    let created = create(&harness, request).await;
    let expected = Mapping {
        function_arn: Some(format!("{ARN}:f:1")),
        batch_size: Some(10_000),
        maximum_batching_window_in_seconds: Some(300),
        filter_criteria: Some(criteria),
        kms_key_arn: Some(key),
        metrics_config: Some(metrics),
        scaling_config: Some(ScalingConfig { maximum_concurrency: Some(2) }),
        function_response_types: Some(types),
        state: Some("Disabled".to_owned()),
        state_transition_reason: Some("USER_INITIATED".to_owned()),
        ..basic(&created, QUEUE)
    };
    assert_eq!(created, expected);
    assert_eq!(get(&harness, &uuid(&created)).await.unwrap(), expected);
    // Its filters are encrypted: a list does not show them.
    let (listed, _) = list(&harness, ListEventSourceMappingsRequest::default()).await;
    assert_eq!(listed, [Mapping { filter_criteria: None, ..expected }]);
}

#[tokio::test]
async fn all_that_is_asked_for_of_a_stream_is_shown() {
    let clock = clock();
    let harness = running(&clock).await;
    let moment = Timestamp::from_millis(1_706_688_000_000);
    let destination = DestinationConfig {
        on_success: None,
        on_failure: Some(OnFailure {
            destination: Some("arn:aws:sns:eu-central-1:000000000000:here".to_owned()),
        }),
    };
    let request = Create {
        starting_position: Some(EventSourcePosition::AtTimestamp),
        starting_position_timestamp: Some(moment),
        parallelization_factor: Some(10),
        bisect_batch_on_function_error: Some(true),
        maximum_retry_attempts: Some(0),
        maximum_record_age_in_seconds: Some(60),
        destination_config: Some(destination.clone()),
        enabled: Some(false),
        ..of(STREAM)
    };
    let created = create(&harness, request).await;
    let expected = Mapping {
        batch_size: Some(100),
        starting_position: Some(EventSourcePosition::AtTimestamp),
        starting_position_timestamp: Some(moment),
        parallelization_factor: Some(10),
        bisect_batch_on_function_error: Some(true),
        maximum_retry_attempts: Some(0),
        maximum_record_age_in_seconds: Some(60),
        tumbling_window_in_seconds: Some(0),
        destination_config: Some(destination),
        last_processing_result: Some("No records processed".to_owned()),
        state: Some("Disabled".to_owned()),
        state_transition_reason: Some("User action".to_owned()),
        ..basic(&created, STREAM)
    };
    assert_eq!(created, expected);
    // What was set goes back to how it was.
    let back = Update {
        maximum_retry_attempts: Some(-1),
        maximum_record_age_in_seconds: Some(-1),
        parallelization_factor: Some(1),
        tumbling_window_in_seconds: Some(900),
        destination_config: Some(DestinationConfig {
            on_success: None,
            on_failure: Some(OnFailure { destination: Some(String::new()) }),
        }),
        ..Update::default()
    };
    update(&harness, &uuid(&created), back).await.unwrap();
    clock.quiet().await;
    let updated = get(&harness, &uuid(&created)).await.unwrap();
    let expected = Mapping {
        maximum_retry_attempts: Some(-1),
        maximum_record_age_in_seconds: Some(-1),
        parallelization_factor: Some(1),
        tumbling_window_in_seconds: Some(900),
        destination_config: Some(DestinationConfig {
            on_success: None,
            on_failure: Some(OnFailure::default()),
        }),
        last_modified: updated.last_modified,
        ..expected
    };
    assert_eq!(updated, expected);
}

#[tokio::test]
async fn provisioned_pollers_have_defaults_and_an_empty_configuration_takes_them_away() {
    let clock = clock();
    let harness = running(&clock).await;
    let pollers = |minimum: Option<i32>, maximum: Option<i32>| {
        Some(ProvisionedPollerConfig {
            minimum_pollers: minimum,
            maximum_pollers: maximum,
            poller_group_name: None,
        })
    };
    let request =
        Create { provisioned_poller_config: pollers(None, Some(10_000)), enabled: Some(false), ..of(QUEUE) };
    let created = create(&harness, request).await;
    assert_eq!(created.provisioned_poller_config, pollers(Some(2), Some(10_000)));
    let change = async |request: Update| {
        update(&harness, &uuid(&created), request).await.unwrap();
        clock.quiet().await;
        get(&harness, &uuid(&created)).await.unwrap()
    };
    let more = Update { provisioned_poller_config: pollers(Some(200), None), ..Update::default() };
    assert_eq!(change(more).await.provisioned_poller_config, pollers(Some(200), Some(10_000)));
    let scaling = Some(ScalingConfig { maximum_concurrency: Some(1_000) });
    let both = Update { scaling_config: scaling.clone(), ..Update::default() };
    assert_eq!(told(update(&harness, &uuid(&created), both).await).1, 400);
    let other = Update {
        provisioned_poller_config: pollers(None, None),
        scaling_config: scaling.clone(),
        ..Update::default()
    };
    let changed = change(other).await;
    assert_eq!((changed.provisioned_poller_config, changed.scaling_config), (None, scaling));
    let none = Update { scaling_config: Some(ScalingConfig::default()), ..Update::default() };
    assert_eq!(change(none).await.scaling_config, None);
}

#[tokio::test]
async fn what_is_not_asked_for_stays_as_it_is() {
    let clock = clock();
    let harness = running(&clock).await;
    harness.create(idle("g")).await;
    let filter = || {
        let pattern = Some("{\"body\": [\"a\"]}".to_owned());
        Some(FilterCriteria { filters: Some(vec![Filter { pattern }]) })
    };
    let types = || Some(vec![FunctionResponseType::ReportBatchItemFailures]);
    let request = Create {
        batch_size: Some(5),
        filter_criteria: filter(),
        function_response_types: types(),
        kms_key_arn: Some("arn:aws:kms:eu-central-1:000000000000:key/k".to_owned()),
        ..of(QUEUE)
    };
    let created = create(&harness, request).await;
    clock.quiet().await;
    clock.advance_to(clock.now() + Duration::from_secs(60)).await;
    let function = Update { function_name: Some("g".to_owned()), ..Update::default() };
    let answer = update(&harness, &uuid(&created), function).await.unwrap();
    assert_eq!((state(&answer), answer.function_arn.clone()), ("Updating", Some(format!("{ARN}:g"))));
    clock.quiet().await;
    let updated = get(&harness, &uuid(&created)).await.unwrap();
    let expected = Mapping {
        function_arn: Some(format!("{ARN}:g")),
        state: Some("Enabled".to_owned()),
        last_modified: updated.last_modified,
        ..created.clone()
    };
    assert_eq!(updated, expected);
    assert!(updated.last_modified >= Some(clock.now()), "{:?}", updated.last_modified);
    let empty = Update {
        filter_criteria: Some(FilterCriteria { filters: Some(Vec::new()) }),
        function_response_types: Some(Vec::new()),
        kms_key_arn: Some(String::new()),
        ..Update::default()
    };
    update(&harness, &uuid(&created), empty).await.unwrap();
    clock.quiet().await;
    let emptied = get(&harness, &uuid(&created)).await.unwrap();
    assert_eq!((emptied.filter_criteria, emptied.kms_key_arn), (None, None));
    assert_eq!((emptied.function_response_types, emptied.batch_size), (Some(Vec::new()), Some(5)));
}

#[tokio::test]
async fn an_update_is_checked_together_with_what_is_there() {
    let clock = clock();
    let harness = running(&clock).await;
    let queue = uuid(&create(&harness, of(QUEUE)).await);
    let stream = Create { tumbling_window_in_seconds: Some(30), ..of(STREAM) };
    let stream = uuid(&create(&harness, stream).await);
    harness.create(CreateFunctionRequest { timeout: Some(181), ..idle("slow") }).await;
    clock.quiet().await;
    for (uuid, request, text) in [
        (
            &queue,
            Update { batch_size: Some(11), ..Update::default() },
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        (
            &queue,
            Update { maximum_retry_attempts: Some(1), ..Update::default() },
            "Unsupported MaximumRetryAttempts parameter for given event source mapping type.",
        ),
        (
            &queue,
            Update { function_name: Some("missing".to_owned()), ..Update::default() },
            "Function does not exist",
        ),
        (
            &queue,
            Update { function_name: Some("slow".to_owned()), ..Update::default() },
            "Queue visibility timeout: 180 seconds is less than Function timeout: 181 seconds",
        ),
        (
            &stream,
            Update { parallelization_factor: Some(2), ..Update::default() },
            "Parallelization factor must be equal to 1 when tumbling window period is configured",
        ),
    ] {
        let expected = ("InvalidParameterValueException".to_owned(), 400, text.to_owned());
        assert_eq!(told(update(&harness, uuid, request).await), expected);
        assert_eq!(state(&get(&harness, uuid).await.unwrap()), "Enabled");
    }
}

#[tokio::test]
async fn there_is_one_mapping_of_a_source_and_a_function() {
    let clock = clock();
    let harness = running(&clock).await;
    publish(&harness, "f", None).await;
    let queue = uuid(&create(&harness, of(QUEUE)).await);
    let stream = uuid(&create(&harness, of(STREAM)).await);
    let other = uuid(&create(&harness, Create { function_name: "f:1".to_owned(), ..of(QUEUE) }).await);
    clock.quiet().await;
    let of_queue = format!(
        "An event source mapping with SQS arn (\" {QUEUE} \") and function (\" f \") already exists. Please update or \
         delete the existing mapping with UUID {queue}"
    );
    let of_stream = format!(
        "The event source arn (\" {STREAM} \") and function (\" f \") provided mapping already exists. Please update \
         or delete the existing mapping with UUID {stream}"
    );
    for (source, text) in [(QUEUE, &of_queue), (STREAM, &of_stream)] {
        let tags = Some(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        let request = Create { tags, ..of(source) };
        let again = told(harness.lambda.create_event_source_mapping(&context(), request).await);
        assert_eq!(again, ("ResourceConflictException".to_owned(), 409, text.clone()));
    }
    let same = Update { function_name: Some("f".to_owned()), ..Update::default() };
    let again = told(update(&harness, &other, same).await);
    assert_eq!(again, ("ResourceConflictException".to_owned(), 409, of_queue));
}

#[tokio::test]
async fn a_mapping_is_not_changed_while_it_is_between_two_states() {
    // Nothing runs that would bring it into its next state.
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let created = uuid(&create(&harness, of(QUEUE)).await);
    let disable = Update { enabled: Some(false), ..Update::default() };
    let text = |verb: &str| format!("Cannot {verb} the event source mapping because it is in use.");
    let code = "ResourceInUseException".to_owned();
    assert_eq!(told(update(&harness, &created, disable).await), (code.clone(), 400, text("update")));
    assert_eq!(told(delete(&harness, &created).await), (code, 400, text("delete")));
}

#[tokio::test]
async fn a_mapping_is_switched_off_and_on_and_deleted() {
    let clock = clock();
    let harness = running(&clock).await;
    for source in [QUEUE, STREAM] {
        let created = uuid(&create(&harness, of(source)).await);
        clock.quiet().await;
        for (enabled, between, then) in [(false, "Disabling", "Disabled"), (true, "Enabling", "Enabled")] {
            let request = Update { enabled: Some(enabled), ..Update::default() };
            let answer = update(&harness, &created, request).await.unwrap();
            assert_eq!(state(&answer), between);
            clock.quiet().await;
            assert_eq!(state(&get(&harness, &created).await.unwrap()), then);
        }
        let answer = delete(&harness, &created).await.unwrap();
        assert_eq!((state(&answer), uuid(&answer)), ("Deleting", created.clone()));
        clock.quiet().await;
        assert_eq!(told(get(&harness, &created).await).1, 404);
        // Now there may be another one.
        create(&harness, of(source)).await;
    }
}

#[tokio::test]
async fn mappings_outlive_their_function() {
    let clock = clock();
    let harness = running(&clock).await;
    let created = uuid(&create(&harness, of(QUEUE)).await);
    clock.quiet().await;
    delete_function(&harness, "f", None).await.unwrap();
    clock.quiet().await;
    assert_eq!(state(&get(&harness, &created).await.unwrap()), "Enabled");
    let of_function =
        ListEventSourceMappingsRequest { function_name: Some("f".to_owned()), ..Default::default() };
    let (listed, _) = list(&harness, of_function.clone()).await;
    assert_eq!(listed.iter().map(uuid).collect::<Vec<_>>(), std::slice::from_ref(&created));
    delete(&harness, &created).await.unwrap();
    clock.quiet().await;
    let none = told(harness.lambda.list_event_source_mappings(&context(), of_function).await);
    assert_eq!(none.2, format!("Function not found: {ARN}:f"));
}

#[tokio::test]
async fn mappings_are_listed_by_source_and_function_page_by_page() {
    let harness = Harness::new().await;
    let mut all = BTreeMap::new();
    for name in ["f", "g"] {
        harness.create(idle(name)).await;
        for source in [QUEUE, FIFO, STREAM] {
            let request = Create { function_name: name.to_owned(), ..of(source) };
            all.insert((name, source), uuid(&create(&harness, request).await));
        }
    }
    let request = |function: Option<&str>, source: Option<&str>| ListEventSourceMappingsRequest {
        function_name: function.map(str::to_owned),
        event_source_arn: source.map(str::to_owned),
        ..ListEventSourceMappingsRequest::default()
    };
    for (function, source) in [
        (None, None),
        (Some("f"), None),
        (Some("000000000000:function:g"), None),
        (None, Some(STREAM)),
        (Some("g"), Some(FIFO)),
    ] {
        let (listed, marker) = list(&harness, request(function, source)).await;
        let expected: BTreeSet<&String> = all
            .iter()
            .filter(|((name, _), _)| function.is_none_or(|function| function.ends_with(name)))
            .filter(|((_, of), _)| source.is_none_or(|source| source == *of))
            .map(|(_, uuid)| uuid)
            .collect();
        let found: Vec<String> = listed.iter().map(uuid).collect();
        assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected, "{function:?} {source:?}");
        assert_eq!((found.len(), marker), (expected.len(), None));
    }
    let (mut found, mut marker, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let request = ListEventSourceMappingsRequest {
            max_items: Some(4),
            marker,
            ..ListEventSourceMappingsRequest::default()
        };
        let (listed, next) = list(&harness, request).await;
        pages += 1;
        found.extend(listed.iter().map(uuid));
        marker = next;
        if marker.is_none() {
            break;
        }
        assert_eq!(listed.len(), 4);
    }
    assert_eq!((found.len(), pages), (6, 2));
    let bad = ListEventSourceMappingsRequest { marker: Some("x".to_owned()), ..Default::default() };
    let bad = told(harness.lambda.list_event_source_mappings(&context(), bad).await);
    assert_eq!(bad.0, "InvalidParameterValueException");
}

#[tokio::test]
async fn mappings_have_tags() {
    let clock = clock();
    let harness = running(&clock).await;
    let tags = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let first = Some(tags(&[("a", "1"), ("b", "2")]));
    let created = create(&harness, Create { tags: first.clone(), ..of(QUEUE) }).await;
    let resource = created.event_source_mapping_arn.clone().unwrap();
    let shown = async || {
        let request = ListTagsRequest { resource: resource.clone() };
        harness.lambda.list_tags(&context(), request).await.map(|answer| answer.tags)
    };
    assert_eq!(shown().await.unwrap(), first);
    let more = TagResourceRequest { resource: resource.clone(), tags: tags(&[("b", "3"), ("c", "4")]) };
    harness.lambda.tag_resource(&context(), more).await.unwrap();
    let fewer =
        UntagResourceRequest { resource: resource.clone(), tag_keys: vec!["a".to_owned(), "no".to_owned()] };
    harness.lambda.untag_resource(&context(), fewer).await.unwrap();
    assert_eq!(shown().await.unwrap(), Some(tags(&[("b", "3"), ("c", "4")])));
    let reserved = TagResourceRequest { resource: resource.clone(), tags: tags(&[("aws:x", "")]) };
    assert_eq!(told(harness.lambda.tag_resource(&context(), reserved).await).1, 400);
    // It does not poll any differently for that.
    clock.quiet().await;
    assert_eq!(state(&get(&harness, &uuid(&created)).await.unwrap()), "Enabled");
    let none =
        UntagResourceRequest { resource: resource.clone(), tag_keys: vec!["b".to_owned(), "c".to_owned()] };
    harness.lambda.untag_resource(&context(), none).await.unwrap();
    assert_eq!(shown().await.unwrap(), Some(BTreeMap::new()));
    delete(&harness, &uuid(&created)).await.unwrap();
    assert_eq!(told(shown().await).1, 404);
}

#[tokio::test]
async fn a_stored_mapping_survives_a_restart() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let created = create(&harness, Create { enabled: Some(false), ..of(STREAM) }).await;
    let again = Harness::over(harness.store.clone(), harness.directory.clone()).await;
    assert_eq!(get(&again, &uuid(&created)).await.unwrap(), created);
}
