//! What may be asked for of event source mappings, and in which words it is refused.

use std::collections::BTreeMap;

use api_lambda::*;
use clock::Timestamp;
use wire::Error;

use super::functions::publish;
use super::harness::{Harness, context, idle, told};

pub(crate) const QUEUE: &str = "arn:aws:sqs:eu-central-1:000000000000:q-180";
pub(crate) const FIFO: &str = "arn:aws:sqs:eu-central-1:000000000000:q-180.fifo";
pub(crate) const STREAM: &str = "arn:aws:kinesis:eu-central-1:000000000000:stream/here";
const CONSUMER: &str = "arn:aws:kinesis:eu-central-1:000000000000:stream/here/consumer/there:1700000000";

pub(crate) type Create = CreateEventSourceMappingRequest;

/// A mapping of a source to `f` with nothing but what must be said.
pub(crate) fn of(source: &str) -> Create {
    Create {
        function_name: "f".to_owned(),
        event_source_arn: Some(source.to_owned()),
        starting_position: source.contains(":kinesis:").then_some(EventSourcePosition::TrimHorizon),
        ..Create::default()
    }
}

async fn harness() -> Harness {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    harness
}

/// Of a request that is not fulfilled: the code and the text.
async fn refusal(harness: &Harness, request: Create) -> (String, String) {
    let result: Result<_, Error> = harness.lambda.create_event_source_mapping(&context(), request).await;
    let (code, status, message) = told(result);
    assert_eq!(status, if code == "ResourceNotFoundException" { 404 } else { 400 }, "{message}");
    (code, message)
}

/// That each request is refused with `InvalidParameterValueException` and this text.
async fn refused(harness: &Harness, cases: Vec<(Create, &str)>) {
    for (request, text) in cases {
        let asked = format!("{request:?}");
        let expected = ("InvalidParameterValueException".to_owned(), text.to_owned());
        assert_eq!(refusal(harness, request).await, expected, "{asked}");
    }
}

fn unsupported(name: &str) -> String {
    format!("Unsupported {name} parameter for given event source mapping type.")
}

fn destination(arn: &str) -> Option<DestinationConfig> {
    let on_failure = Some(OnFailure { destination: Some(arn.to_owned()) });
    Some(DestinationConfig { on_success: None, on_failure })
}

#[tokio::test]
async fn the_source_must_be_one_that_is_polled() {
    let harness = harness().await;
    let arn =
        |service: &str, resource: &str| format!("arn:aws:{service}:eu-central-1:000000000000:{resource}");
    let no = |what: &str| format!("{what} is not supported by Lambent yet.");
    let unrecognized = || "Unrecognized event source.".to_owned();
    let cases = [
        (arn("sns", "t"), unrecognized()),
        (arn("sqs", "q:1"), unrecognized()),
        (arn("kinesis", "stream/"), unrecognized()),
        (arn("kinesis", "here"), unrecognized()),
        (arn("kinesis", "stream/here/other"), unrecognized()),
        (arn("dynamodb", "table/t/stream/2026"), no("A DynamoDB stream as an event source")),
        (arn("kafka", "cluster/c/1"), no("Amazon MSK as an event source")),
        (arn("mq", "broker:b:1"), no("Amazon MQ as an event source")),
        (arn("rds", "cluster:c"), no("Amazon DocumentDB as an event source")),
        (
            arn("sqs", "missing"),
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error \
             Message: The specified queue does not exist."
                .to_owned(),
        ),
        (
            arn("kinesis", "stream/missing"),
            format!("Stream not found: {}", arn("kinesis", "stream/missing")),
        ),
        (
            "arn:aws:sqs:eu-central-1:111111111111:q-180".to_owned(),
            "The provided execution role does not have permissions to call ReceiveMessage on SQS".to_owned(),
        ),
        (
            "arn:aws:kinesis:eu-central-1:111111111111:stream/here".to_owned(),
            "Cannot access stream arn:aws:kinesis:eu-central-1:111111111111:stream/here. Please ensure the role can \
             perform the GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your \
             stream in IAM."
                .to_owned(),
        ),
        (
            "arn:aws:sqs:us-east-1:000000000000:q-180".to_owned(),
            "The event source arn:aws:sqs:us-east-1:000000000000:q-180 is not in the function's region \
             (eu-central-1)."
                .to_owned(),
        ),
    ];
    for (source, text) in &cases {
        refused(&harness, vec![(of(source), text)]).await;
    }
    let kafka = Create {
        self_managed_event_source: Some(SelfManagedEventSource::default()),
        event_source_arn: None,
        ..of(QUEUE)
    };
    let nothing = Create { event_source_arn: None, ..of(QUEUE) };
    refused(
        &harness,
        vec![
            (kafka, &no("Self-managed Apache Kafka as an event source")),
            (nothing, "Unrecognized event source."),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_function_must_exist_with_its_version_or_alias() {
    let harness = harness().await;
    publish(&harness, "f", None).await;
    let missing = "Function does not exist";
    for name in ["g", "f:2", "f:live", "arn:aws:lambda:eu-central-1:000000000000:function:g"] {
        let request = Create { function_name: name.to_owned(), ..of(QUEUE) };
        refused(&harness, vec![(request, missing)]).await;
    }
    let elsewhere = "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned();
    let (code, text) = refusal(&harness, Create { function_name: elsewhere, ..of(QUEUE) }).await;
    assert_eq!(code, "ResourceNotFoundException", "{text}");
}

#[tokio::test]
async fn a_message_must_stay_hidden_for_as_long_as_the_function_may_run() {
    let harness = Harness::new().await;
    harness.create(CreateFunctionRequest { timeout: Some(60), ..idle("f") }).await;
    let short = of("arn:aws:sqs:eu-central-1:000000000000:q-30");
    let text = "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds";
    refused(&harness, vec![(short, text)]).await;
}

#[tokio::test]
async fn a_queue_has_no_parameters_of_streams() {
    let harness = harness().await;
    let position = "StartingPosition is not valid for SQS event sources.";
    let timestamp = Some(Timestamp::from_millis(1_000));
    let latest = Some(EventSourcePosition::Latest);
    refused(
        &harness,
        vec![
            (Create { starting_position: latest.clone(), ..of(QUEUE) }, position),
            (Create { starting_position_timestamp: timestamp, ..of(QUEUE) }, position),
            (Create { parallelization_factor: Some(1), ..of(QUEUE) }, &unsupported("ParallelizationFactor")),
            (
                Create { bisect_batch_on_function_error: Some(false), ..of(QUEUE) },
                &unsupported("BisectBatchOnFunctionError"),
            ),
            (Create { maximum_retry_attempts: Some(2), ..of(QUEUE) }, &unsupported("MaximumRetryAttempts")),
            (
                Create { maximum_record_age_in_seconds: Some(60), ..of(FIFO) },
                &unsupported("MaximumRecordAgeInSeconds"),
            ),
            (
                Create { tumbling_window_in_seconds: Some(0), ..of(FIFO) },
                &unsupported("TumblingWindowInSeconds"),
            ),
            (
                Create {
                    destination_config: destination("arn:aws:sqs:eu-central-1:000000000000:here"),
                    ..of(QUEUE)
                },
                &unsupported("DestinationConfig"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn nothing_but_a_broker_has_the_parameters_of_brokers() {
    let harness = harness().await;
    for source in [QUEUE, STREAM] {
        let topics = Some(vec!["t".to_owned()]);
        let access = SourceAccessConfiguration { r#type: Some(SourceAccessType::BasicAuth), uri: None };
        let logging = EventSourceMappingLoggingConfig {
            system_log_level: Some(EventSourceMappingSystemLogLevel::Debug),
        };
        let group = ProvisionedPollerConfig {
            poller_group_name: Some("g".to_owned()),
            ..ProvisionedPollerConfig::default()
        };
        let metrics =
            EventSourceMappingMetricsConfig { metrics: Some(vec![EventSourceMappingMetric::ErrorCount]) };
        refused(
            &harness,
            vec![
                (Create { topics: topics.clone(), ..of(source) }, &unsupported("'topics'")),
                (Create { queues: topics, ..of(source) }, &unsupported("'queues'")),
                (
                    Create { source_access_configurations: Some(vec![access]), ..of(source) },
                    &unsupported("'sourceAccessConfigurations'"),
                ),
                (
                    Create {
                        amazon_managed_kafka_event_source_config: Some(
                            AmazonManagedKafkaEventSourceConfig::default(),
                        ),
                        ..of(source)
                    },
                    &unsupported("'amazonManagedKafkaEventSourceConfig'"),
                ),
                (
                    Create {
                        document_db_event_source_config: Some(DocumentDBEventSourceConfig::default()),
                        ..of(source)
                    },
                    &unsupported("'documentDBEventSourceConfig'"),
                ),
                (Create { logging_config: Some(logging), ..of(source) }, &unsupported("'loggingConfig'")),
                (
                    Create { provisioned_poller_config: Some(group), ..of(source) },
                    &unsupported("'provisionedPollerConfig.pollerGroupName'"),
                ),
                (
                    Create { metrics_config: Some(metrics), ..of(source) },
                    "Unsupported metric 'ErrorCount' for given event source mapping type.",
                ),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn batches_of_queues_have_their_limits() {
    let harness = harness().await;
    let batch = |source: &str, size: i32, window: i32| Create {
        batch_size: Some(size),
        maximum_batching_window_in_seconds: Some(window),
        ..of(source)
    };
    let no_window =
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10";
    let fifo_window = "Batching window is not supported for FIFO queues";
    refused(
        &harness,
        vec![
            (batch(QUEUE, 11, 0), no_window),
            (Create { batch_size: Some(11), ..of(QUEUE) }, no_window),
            (batch(FIFO, 100, 5), fifo_window),
            (batch(FIFO, 1, 1), fifo_window),
            (batch(FIFO, 11, 0), "Maximum batch size must be between 1 and 10 inclusive"),
        ],
    )
    .await;
}

#[tokio::test]
async fn pollers_of_queues_have_their_limits() {
    let harness = harness().await;
    let pollers = |minimum: Option<i32>, maximum: Option<i32>| Create {
        provisioned_poller_config: Some(ProvisionedPollerConfig {
            minimum_pollers: minimum,
            maximum_pollers: maximum,
            poller_group_name: None,
        }),
        ..of(QUEUE)
    };
    let scaling = Some(ScalingConfig { maximum_concurrency: Some(2) });
    refused(&harness, vec![
        (pollers(Some(1), None), "MinimumPollers of an SQS event source mapping must be 2 or more."),
        (pollers(None, Some(1)), "MaximumPollers of an SQS event source mapping must be 2 or more."),
        (pollers(Some(9), Some(8)), "MinimumPollers (9) must not be greater than MaximumPollers (8)."),
        (
            Create { scaling_config: scaling.clone(), ..pollers(Some(2), None) },
            "ScalingConfig and ProvisionedPollerConfig cannot be used together: MaximumPollers limits the \
             concurrency.",
        ),
        (Create { scaling_config: scaling, ..of(STREAM) }, &unsupported("'scalingConfig'")),
        (
            Create { event_source_arn: Some(STREAM.to_owned()), starting_position: of(STREAM).starting_position, ..pollers(Some(2), None) },
            &unsupported("'provisionedPollerConfig'"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_stream_is_read_from_somewhere() {
    let harness = harness().await;
    let at = |position: Option<EventSourcePosition>, timestamp: Option<Timestamp>| Create {
        starting_position: position,
        starting_position_timestamp: timestamp,
        ..of(STREAM)
    };
    let (at_timestamp, moment) = (Some(EventSourcePosition::AtTimestamp), Timestamp::from_millis(1_000));
    let only = "Timestamp only valid with StartingPosition AT_TIMESTAMP";
    let null = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member \
                must not be null.";
    let negative = "Received Exception while reading from provided stream. class java.lang.Long can not be converted \
                    to a Timestamp";
    refused(
        &harness,
        vec![
            (at(None, None), null),
            (at(None, Some(moment)), null),
            (at(Some(EventSourcePosition::Latest), Some(moment)), only),
            (at(Some(EventSourcePosition::TrimHorizon), Some(moment)), only),
            (at(at_timestamp.clone(), None), "Need to specify a timestamp"),
            (at(at_timestamp.clone(), Some(Timestamp::from_millis(-1_000))), negative),
            (Create { event_source_arn: Some(CONSUMER.to_owned()), ..at(None, None) }, null),
        ],
    )
    .await;
    let future = Timestamp::from_millis(99_999_999_999_999);
    let (_, text) = refusal(&harness, at(at_timestamp, Some(future))).await;
    assert!(text.contains("timestampInMillis: 99999999999999, currentTimestampInMillis: "), "{text}");
    // Of every source: its own code, and AWS's order of the values.
    for source in [QUEUE, STREAM] {
        let request = Create { starting_position: Some("0".into()), ..of(source) };
        let text = "1 validation error detected: Value '0' at 'startingPosition' failed to satisfy constraint: Member \
                    must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]";
        let expected = ("ValidationException".to_owned(), text.to_owned());
        assert_eq!(refusal(&harness, request).await, expected);
    }
}

#[tokio::test]
async fn what_is_tried_again_has_its_limits() {
    let harness = harness().await;
    let age = "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)";
    let windows =
        Create { tumbling_window_in_seconds: Some(30), parallelization_factor: Some(2), ..of(STREAM) };
    refused(
        &harness,
        vec![
            (Create { maximum_record_age_in_seconds: Some(59), ..of(STREAM) }, age),
            (Create { maximum_record_age_in_seconds: Some(0), ..of(STREAM) }, age),
            (windows, "Parallelization factor must be equal to 1 when tumbling window period is configured"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_was_given_up_goes_to_a_standard_queue_or_topic() {
    let harness = harness().await;
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:eu-central-1:000000000000:{name}");
    let to = |arn: &str| Create { destination_config: destination(arn), ..of(STREAM) };
    for service in ["sqs", "sns"] {
        for name in ["missing", "here.fifo"] {
            let arn = arn(service, name);
            let text = format!("The destination ARN {arn} is invalid.");
            refused(&harness, vec![(to(&arn), &text)]).await;
        }
    }
    let function = arn("lambda", "function:f");
    let success = OnSuccess { destination: Some(arn("sqs", "here")) };
    let config = DestinationConfig { on_success: Some(success), on_failure: None };
    refused(
        &harness,
        vec![
            (to("arn:aws:s3:::b"), "An S3 bucket as destination is not supported by Lambent yet."),
            (to("kafka://t"), "A Kafka topic as destination is not supported by Lambent yet."),
            (
                to(&function),
                &format!(
                    "The provided destination config DestinationConfig(onSuccess=null, \
                 onFailure=OnFailure(destination={function})) is invalid."
                ),
            ),
            (Create { destination_config: Some(config), ..of(STREAM) }, &unsupported("DestinationConfig")),
        ],
    )
    .await;
}

#[tokio::test]
async fn filters_are_patterns() {
    let harness = harness().await;
    let with = |source: &str, patterns: &[Option<&str>]| {
        let filters = patterns.iter().map(|pattern| Filter { pattern: pattern.map(str::to_owned) }).collect();
        Create { filter_criteria: Some(FilterCriteria { filters: Some(filters) }), ..of(source) }
    };
    let invalid = "Invalid filter pattern definition.";
    for source in [QUEUE, STREAM] {
        for pattern in
            [None, Some(""), Some("x"), Some("{\"body\": 1}"), Some("{\"data\": {\"a\": [{\"no\": 1}]}}")]
        {
            refused(&harness, vec![(with(source, &[pattern]), invalid)]).await;
        }
    }
    // The data of a stream are JSON, the body of a message may be any text.
    refused(
        &harness,
        vec![
            (with(STREAM, &[Some("{\"data\": [\"plain\"]}")]), invalid),
            (
                with(QUEUE, &[Some("{\"body\": [\"a\"]}"); 6]),
                "6 filters are more than the 5 that an event source mapping may have.",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn tags_are_checked() {
    let harness = harness().await;
    let tags = BTreeMap::from([("aws:x".to_owned(), String::new())]);
    let request = Create { tags: Some(tags), ..of(QUEUE) };
    refused(&harness, vec![(request, "The tag key aws:x is reserved: it begins with aws:.")]).await;
}

#[tokio::test]
async fn a_mapping_that_does_not_exist_is_not_found() {
    let harness = harness().await;
    let missing = || "00000000-0000-4000-8000-000000000000".to_owned();
    let context = context();
    let arn = format!("arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:{}", missing());
    let get = GetEventSourceMappingRequest { uuid: missing() };
    let delete = DeleteEventSourceMappingRequest { uuid: missing() };
    let update =
        UpdateEventSourceMappingRequest { uuid: missing(), ..UpdateEventSourceMappingRequest::default() };
    let tag = TagResourceRequest {
        resource: arn.clone(),
        tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
    };
    let elsewhere = arn.replace("eu-central-1", "us-east-1");
    let list_elsewhere = ListTagsRequest { resource: elsewhere };
    for result in [
        told(harness.lambda.get_event_source_mapping(&context, get).await),
        told(harness.lambda.delete_event_source_mapping(&context, delete).await),
        told(harness.lambda.update_event_source_mapping(&context, update).await),
        told(harness.lambda.list_tags(&context, ListTagsRequest { resource: arn }).await),
        told(harness.lambda.list_tags(&context, list_elsewhere).await),
        told(harness.lambda.tag_resource(&context, tag).await),
    ] {
        let text = "The resource you requested does not exist.".to_owned();
        assert_eq!(result, ("ResourceNotFoundException".to_owned(), 404, text));
    }
}
