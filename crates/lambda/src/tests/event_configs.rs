//! How asynchronous events are to be handled: event invoke configurations, dead-letter queues, loops.

use api_lambda::*;
use clock::Timestamp;

use super::functions::{delete, publish};
use super::harness::{ARN, Harness, context, idle, told};

const QUEUE: &str = "arn:aws:sqs:eu-central-1:000000000000:here";
const TOPIC: &str = "arn:aws:sns:eu-central-1:000000000000:here";

type Put = PutFunctionEventInvokeConfigRequest;

fn request(qualifier: Option<&str>) -> Put {
    Put { function_name: "f".to_owned(), qualifier: qualifier.map(str::to_owned), ..Put::default() }
}

fn destinations(success: Option<&str>, failure: Option<&str>) -> Option<DestinationConfig> {
    Some(DestinationConfig {
        on_success: success.map(|arn| OnSuccess { destination: Some(arn.to_owned()) }),
        on_failure: failure.map(|arn| OnFailure { destination: Some(arn.to_owned()) }),
    })
}

fn shown(config: &FunctionEventInvokeConfig) -> (Option<&str>, Option<&str>) {
    let destinations = config.destination_config.as_ref().unwrap();
    // Both are there, if only as empty objects.
    let success = destinations.on_success.as_ref().unwrap().destination.as_deref();
    (success, destinations.on_failure.as_ref().unwrap().destination.as_deref())
}

async fn get(harness: &Harness, qualifier: Option<&str>) -> Result<FunctionEventInvokeConfig, wire::Error> {
    let request = GetFunctionEventInvokeConfigRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    harness.lambda.get_function_event_invoke_config(&context(), request).await
}

async fn list(
    harness: &Harness,
    max_items: Option<i32>,
    marker: Option<String>,
) -> (Vec<String>, Option<String>) {
    let function_name = "f".to_owned();
    let request = ListFunctionEventInvokeConfigsRequest { function_name, marker, max_items };
    let page = harness.lambda.list_function_event_invoke_configs(&context(), request).await.unwrap();
    let configs = page.function_event_invoke_configs.unwrap();
    (configs.into_iter().map(|config| config.function_arn.unwrap()).collect(), page.next_marker)
}

async fn three() -> Harness {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    for qualifier in [None, Some("1"), Some("live")] {
        let put = Put { maximum_retry_attempts: Some(1), ..request(qualifier) };
        harness.lambda.put_function_event_invoke_config(&context(), put).await.unwrap();
    }
    harness
}

#[tokio::test]
async fn put_replaces_and_update_changes() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let lambda = &harness.lambda;
    let put = Put {
        maximum_retry_attempts: Some(0),
        maximum_event_age_in_seconds: Some(60),
        destination_config: destinations(Some(QUEUE), Some(TOPIC)),
        ..request(None)
    };
    let config = lambda.put_function_event_invoke_config(&context(), put).await.unwrap();
    assert_eq!(config.function_arn, Some(format!("{ARN}:f:$LATEST")));
    assert_eq!((config.maximum_retry_attempts, config.maximum_event_age_in_seconds), (Some(0), Some(60)));
    assert_eq!(shown(&config), (Some(QUEUE), Some(TOPIC)));
    assert!(config.last_modified.unwrap() > Timestamp::UNIX_EPOCH);
    assert_eq!(get(&harness, Some("$LATEST")).await.unwrap(), config);

    let update = UpdateFunctionEventInvokeConfigRequest {
        function_name: "f".to_owned(),
        maximum_retry_attempts: Some(2),
        ..UpdateFunctionEventInvokeConfigRequest::default()
    };
    let config = lambda.update_function_event_invoke_config(&context(), update.clone()).await.unwrap();
    assert_eq!((config.maximum_retry_attempts, config.maximum_event_age_in_seconds), (Some(2), Some(60)));
    assert_eq!(shown(&config), (Some(QUEUE), Some(TOPIC)));

    let put = Put { destination_config: destinations(None, Some("")), ..request(None) };
    lambda.put_function_event_invoke_config(&context(), put).await.unwrap();
    let config = get(&harness, None).await.unwrap();
    assert_eq!((config.maximum_retry_attempts, config.maximum_event_age_in_seconds), (None, None));
    assert_eq!(shown(&config), (None, None));

    let none = format!("The function {ARN}:f:$LATEST doesn't have an EventInvokeConfig");
    let delete = DeleteFunctionEventInvokeConfigRequest { function_name: "f".to_owned(), qualifier: None };
    lambda.delete_function_event_invoke_config(&context(), delete.clone()).await.unwrap();
    let missing = ("ResourceNotFoundException".to_owned(), 404, none);
    assert_eq!(told(get(&harness, None).await), missing);
    assert_eq!(told(lambda.delete_function_event_invoke_config(&context(), delete).await), missing);
    assert_eq!(told(lambda.update_function_event_invoke_config(&context(), update).await), missing);
}

#[tokio::test]
async fn functions_versions_and_aliases_have_their_own_and_lists_have_pages() {
    let harness = three().await;
    let all = ["$LATEST", "1", "live"].map(|qualifier| format!("{ARN}:f:{qualifier}"));
    assert_eq!(list(&harness, None, None).await, (all.to_vec(), None));
    let (first, marker) = list(&harness, Some(2), None).await;
    assert_eq!(first, all[..2]);
    assert_eq!(list(&harness, Some(2), marker).await, (all[2..].to_vec(), None));
}

#[tokio::test]
async fn a_configuration_goes_with_what_it_is_for() {
    let harness = three().await;
    let alias = DeleteAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
    harness.lambda.delete_alias(&context(), alias).await.unwrap();
    assert_eq!(list(&harness, None, None).await.0.len(), 2);
    delete(&harness, "f", Some("1")).await.unwrap();
    assert_eq!(list(&harness, None, None).await.0, [format!("{ARN}:f:$LATEST")]);
    delete(&harness, "f", None).await.unwrap();
    harness.create(idle("f")).await;
    assert_eq!(list(&harness, None, None).await, (Vec::new(), None));
}

#[tokio::test]
async fn what_cannot_be_configured_is_refused_in_aws_s_words() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    harness.create(idle("g")).await;
    let of = |service: &str, name: &str| format!("arn:aws:{service}:eu-central-1:000000000000:{name}");
    let invalid = |arn: &str| format!("The destination ARN {arn} is invalid.");
    let unusable = |success: &str, failure: &str| {
        format!(
            "The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid."
        )
    };
    let (bus, bucket, stream) =
        (of("events", "event-bus/default"), "arn:aws:s3:::b", of("kinesis", "stream/s"));
    let itself = "You can't specify the function as a destination for itself.";
    for (success, failure, message) in [
        (None, Some(of("sqs", "gone")), invalid(&of("sqs", "gone"))),
        (Some(of("sqs", "here.fifo")), None, invalid(&of("sqs", "here.fifo"))),
        (Some(of("sns", "gone")), None, invalid(&of("sns", "gone"))),
        (None, Some(of("sns", "here.fifo")), invalid(&of("sns", "here.fifo"))),
        (None, Some(format!("{ARN}:gone")), invalid(&format!("{ARN}:gone"))),
        (
            None,
            Some("arn:aws:lambda:us-east-1:000000000000:function:g".to_owned()),
            invalid("arn:aws:lambda:us-east-1:000000000000:function:g"),
        ),
        (None, Some(format!("{ARN}:f")), itself.to_owned()),
        (Some(format!("{ARN}:f:1")), None, itself.to_owned()),
        (
            Some(stream.clone()),
            Some(QUEUE.to_owned()),
            unusable(&format!("OnSuccess(destination={stream})"), &format!("OnFailure(destination={QUEUE})")),
        ),
        (Some(bucket.to_owned()), None, unusable(&format!("OnSuccess(destination={bucket})"), "null")),
        (
            None,
            Some(bucket.to_owned()),
            "An S3 bucket as destination is not supported by Lambent yet.".to_owned(),
        ),
        (
            Some(bus),
            None,
            "An EventBridge event bus as destination is not supported by Lambent yet.".to_owned(),
        ),
    ] {
        let put =
            Put { destination_config: destinations(success.as_deref(), failure.as_deref()), ..request(None) };
        let found = told(harness.lambda.put_function_event_invoke_config(&context(), put).await);
        assert_eq!(found, ("InvalidParameterValueException".to_owned(), 400, message));
    }
    let message = "You must specify at least one of error handling or destination setting.";
    let found = told(harness.lambda.put_function_event_invoke_config(&context(), request(None)).await);
    assert_eq!(found, ("InvalidParameterValueException".to_owned(), 400, message.to_owned()));
    let other = Put { destination_config: destinations(Some(&format!("{ARN}:g")), None), ..request(None) };
    harness.lambda.put_function_event_invoke_config(&context(), other).await.unwrap();
}

#[tokio::test]
async fn a_function_version_or_alias_that_is_not_there_has_no_configuration() {
    let harness = Harness::new().await;
    let put = |qualifier| Put { maximum_retry_attempts: Some(1), ..request(qualifier) };
    let missing = ("ResourceNotFoundException".to_owned(), 404, "The function doesn't exist.".to_owned());
    for qualifier in [None, Some("1"), Some("live")] {
        let found = told(harness.lambda.put_function_event_invoke_config(&context(), put(qualifier)).await);
        assert_eq!(found, missing, "{qualifier:?}");
        harness.create(idle("f")).await;
        let deleted = qualifier.is_none();
        assert_eq!(
            harness.lambda.put_function_event_invoke_config(&context(), put(qualifier)).await.is_ok(),
            deleted
        );
        delete(&harness, "f", None).await.unwrap();
    }
    let request =
        ListFunctionEventInvokeConfigsRequest { function_name: "f".to_owned(), ..Default::default() };
    assert_eq!(told(harness.lambda.list_function_event_invoke_configs(&context(), request).await), missing);
}

#[tokio::test]
async fn a_dead_letter_queue_is_a_standard_queue_or_topic_of_the_region() {
    let harness = Harness::new().await;
    let fifo = |kind: &str| format!("FIFO {kind} is not supported for dead letter configuration");
    let of =
        |service: &str, region: &str, name: &str| format!("arn:aws:{service}:{region}:000000000000:{name}");
    for (arn, message) in [
        (of("sqs", "eu-central-1", "q.fifo"), fifo("SQS queue")),
        (of("sns", "eu-central-1", "t.fifo"), fifo("SNS topic")),
        (
            of("sqs", "us-east-1", "q"),
            "The resource specified by the TargetArn must be in the same region as the Lambda function it's \
             associated with."
                .to_owned(),
        ),
        (
            of("kinesis", "eu-central-1", "stream/s"),
            "The service specified by the TargetArn is not supported for dead letter configuration."
                .to_owned(),
        ),
    ] {
        let dead_letter_config = Some(DeadLetterConfig { target_arn: Some(arn) });
        let request = CreateFunctionRequest { dead_letter_config, ..idle("f") };
        let found = told(harness.lambda.create_function(&context(), request).await);
        let message = format!("Invalid dead letter queue ARN: {message}");
        assert_eq!(found, ("InvalidParameterValueException".to_owned(), 400, message));
    }
}

#[tokio::test]
async fn loops_are_stopped_unless_they_are_allowed() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let get = async || {
        let request = GetFunctionRecursionConfigRequest { function_name: "f".to_owned() };
        harness.lambda.get_function_recursion_config(&context(), request).await.unwrap().recursive_loop
    };
    assert_eq!(get().await, Some(RecursiveLoop::Terminate));
    for recursive_loop in [RecursiveLoop::Allow, RecursiveLoop::Terminate] {
        let request = PutFunctionRecursionConfigRequest {
            function_name: "f".to_owned(),
            recursive_loop: recursive_loop.clone(),
        };
        let answer = harness.lambda.put_function_recursion_config(&context(), request).await.unwrap();
        assert_eq!(answer.recursive_loop, Some(recursive_loop.clone()));
        assert_eq!(get().await, Some(recursive_loop));
    }
}
