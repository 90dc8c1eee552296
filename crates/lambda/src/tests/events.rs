//! Asynchronous invocations of functions that really run, at a time that moves only when told.

use std::sync::Arc;
use std::time::Duration;

use api_lambda::*;
use bytes::Bytes;
use clock::{Clock, Timestamp, VirtualClock};
use ids::{FunctionArn, RequestId};
use store::Transaction;
use targets::{AttributeValue, FunctionEvent, InvokeFunction, TargetError, What};

use super::functions::publish;
use super::harness::{ARN, Harness, context, idle, python, told, zip};

const FAILING: &str = "def handler(event, context): raise ValueError('no ' + context.aws_request_id)";
const QUEUE: &str = "arn:aws:sqs:eu-central-1:000000000000:here";
const TOPIC: &str = "arn:aws:sns:eu-central-1:000000000000:here";

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::new(Timestamp::from_millis(1_706_688_309_000)))
}

async fn advance(clock: &VirtualClock, seconds: u64) {
    clock.advance_to(clock.now() + Duration::from_secs(seconds)).await;
}

fn event(name: &str, payload: &str) -> InvocationRequest {
    InvocationRequest {
        function_name: name.to_owned(),
        invocation_type: Some(InvocationType::Event),
        payload: Some(Bytes::copy_from_slice(payload.as_bytes())),
        ..InvocationRequest::default()
    }
}

/// Sends an event; returns its request id once there is nothing to do with it at present.
async fn send(harness: &Harness, clock: &VirtualClock, name: &str, payload: &str) -> String {
    let context = context();
    let answer = harness.lambda.invoke(&context, event(name, payload)).await.unwrap();
    assert_eq!((answer.status_code, answer.payload, answer.executed_version), (Some(202), None, None));
    assert_eq!((answer.log_result, answer.function_error), (None, None));
    clock.quiet().await;
    context.request_id.to_string()
}

async fn configure(harness: &Harness, put: PutFunctionEventInvokeConfigRequest) {
    let put = PutFunctionEventInvokeConfigRequest { function_name: "f".to_owned(), ..put };
    harness.lambda.put_function_event_invoke_config(&context(), put).await.unwrap();
}

/// The story in short.
fn told_of(harness: &Harness, id: &str) -> Vec<String> {
    let short = |what: What| match what {
        What::Accepted { .. } => Some("accepted".to_owned()),
        What::Attempted(one) => {
            let how = one.error.map_or_else(|| "well".to_owned(), |(error_type, _)| error_type);
            Some(format!("{} on {}: {how}", one.number, one.version))
        }
        What::Ended { condition } => Some(condition),
        _ => None,
    };
    harness.seen.story(id).into_iter().filter_map(short).collect()
}

#[tokio::test]
async fn an_event_runs_at_once_with_its_request_id_and_its_caller_is_told_nothing_of_it() {
    let (clock, payload) = (clock(), r#"{"a": 1}"#);
    let harness = Harness::running(&clock).await;
    harness.create(python("f", "def handler(event, context): return [event, context.aws_request_id]")).await;
    let destinations = DestinationConfig {
        on_success: Some(OnSuccess { destination: Some(QUEUE.to_owned()) }),
        on_failure: None,
    };
    let put = PutFunctionEventInvokeConfigRequest {
        destination_config: Some(destinations),
        ..PutFunctionEventInvokeConfigRequest::default()
    };
    configure(&harness, put).await;
    let id = send(&harness, &clock, "f", payload).await;
    assert_eq!(told_of(&harness, &id), ["accepted", "1 on $LATEST: well", "Success"]);
    let messages = harness.seen.messages();
    let [(to, message)] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(to.to_string(), QUEUE);
    let record: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(record["requestContext"]["functionArn"], format!("{ARN}:f:$LATEST"));
    assert_eq!(record["responsePayload"], serde_json::json!([{ "a": 1 }, id]));
    assert_eq!(record["requestPayload"], serde_json::json!({ "a": 1 }));
}

#[tokio::test]
async fn a_function_that_fails_is_tried_three_times_and_then_its_event_is_a_dead_letter() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    let dead_letter_config = Some(DeadLetterConfig { target_arn: Some(QUEUE.to_owned()) });
    harness.create(CreateFunctionRequest { dead_letter_config, ..python("f", FAILING) }).await;
    let id = send(&harness, &clock, "f", "[1]").await;
    let mut expected = vec!["accepted", "1 on $LATEST: ValueError"];
    assert_eq!(told_of(&harness, &id), expected);
    advance(&clock, 90).await;
    expected.push("2 on $LATEST: ValueError");
    assert_eq!(told_of(&harness, &id), expected);
    advance(&clock, 150).await;
    expected.extend(["3 on $LATEST: ValueError", "RetriesExhausted"]);
    assert_eq!(told_of(&harness, &id), expected);
    let messages = harness.seen.messages();
    let [(_, message)] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(message.body, "[1]");
    let attribute = |name: &str| match &message.attributes[name].value {
        AttributeValue::String(text) => text.clone(),
        AttributeValue::Binary(_) => panic!("{name} is no text"),
    };
    assert_eq!(attribute("RequestID"), id);
    assert_eq!(attribute("ErrorCode"), "200");
    // The same request id in every attempt.
    assert_eq!(attribute("ErrorMessage"), format!("no {id}"));
}

#[tokio::test]
async fn an_event_runs_on_what_the_function_is_by_then() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    harness.create(python("f", FAILING)).await;
    let id = send(&harness, &clock, "f", "{}").await;
    let update = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: Some(zip(&[("index.py", "def handler(event, context): return 1")])),
        ..UpdateFunctionCodeRequest::default()
    };
    harness.lambda.update_function_code(&context(), update).await.unwrap();
    harness.settled("f").await;
    advance(&clock, 90).await;
    let expected = ["accepted", "1 on $LATEST: ValueError", "2 on $LATEST: well", "Success"];
    assert_eq!(told_of(&harness, &id), expected);
}

#[tokio::test]
async fn an_event_for_an_alias_has_the_alias_s_settings_and_runs_on_its_version() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    harness.create(python("f", FAILING)).await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    let put = PutFunctionEventInvokeConfigRequest {
        qualifier: Some("live".to_owned()),
        maximum_retry_attempts: Some(0),
        ..PutFunctionEventInvokeConfigRequest::default()
    };
    configure(&harness, put).await;
    let id = send(&harness, &clock, "f:live", "{}").await;
    assert_eq!(told_of(&harness, &id), ["accepted", "1 on 1: ValueError", "RetriesExhausted"]);
}

#[tokio::test]
async fn a_function_that_is_switched_off_gets_no_event_but_its_caller_a_202() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    harness.create(idle("f")).await;
    let off =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 0 };
    harness.lambda.put_function_concurrency(&context(), off).await.unwrap();
    let failure = OnFailure { destination: Some(TOPIC.to_owned()) };
    let put = PutFunctionEventInvokeConfigRequest {
        destination_config: Some(DestinationConfig { on_success: None, on_failure: Some(failure) }),
        ..PutFunctionEventInvokeConfigRequest::default()
    };
    configure(&harness, put).await;
    assert_eq!(told(harness.invoke("f", "{}").await).0, "TooManyRequestsException");
    let id = send(&harness, &clock, "f", "{}").await;
    assert_eq!(told_of(&harness, &id), ["accepted", "ZeroReservedConcurrency"]);
    let publications = harness.seen.publications();
    let [(_, message)] = publications.as_slice() else { panic!("{publications:?}") };
    let record: serde_json::Value = serde_json::from_str(&message.message).unwrap();
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
}

#[tokio::test]
async fn what_cannot_be_an_event_is_refused_before_it_is_accepted() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let lambda = &harness.lambda;
    let large = " ".repeat(1_048_577);
    let found = told(lambda.invoke(&context(), event("f", &large)).await);
    let expected = "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)";
    assert_eq!(found, ("RequestEntityTooLargeException".to_owned(), 413, expected.to_owned()));
    assert_eq!(told(lambda.invoke(&context(), event("f", "oops")).await).0, "InvalidRequestContentException");
    for name in ["g", "f:1", "f:live"] {
        assert_eq!(told(lambda.invoke(&context(), event(name, "{}")).await).1, 404);
    }
    let legacy = |name: &str, text: &str| InvokeAsyncRequest {
        function_name: name.to_owned(),
        invoke_args: Bytes::copy_from_slice(text.as_bytes()),
    };
    assert_eq!(told(lambda.invoke_async(&context(), legacy("f", &large)).await).1, 413);
    assert_eq!(told(lambda.invoke_async(&context(), legacy("f", "oops")).await).1, 400);
    assert_eq!(told(lambda.invoke_async(&context(), legacy("g", "{}")).await).1, 404);
    assert_eq!(lambda.invoke_async(&context(), legacy("f", "{}")).await.unwrap().status, Some(202));
}

/// A chain of requests that has been through a function 16 times does not reach it once more.
#[tokio::test]
async fn a_loop_is_stopped_and_counted() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    let source = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']";
    harness.create(python("f", source)).await;
    let mut context = context();
    context.trace_id = Some("Root=1-2-3;Parent=4;Sampled=0".to_owned());
    let request = || InvocationRequest { invocation_type: None, ..event("f", "{}") };
    for _ in 0..16 {
        let answer = harness.lambda.invoke(&context, request()).await.unwrap();
        context.trace_id = Some(serde_json::from_slice(&answer.payload.unwrap()).unwrap());
    }
    let (code, status, message) = told(harness.lambda.invoke(&context, request()).await);
    assert_eq!((code.as_str(), status), ("RecursiveInvocationException", 400));
    assert!(message.starts_with("Lambda has detected your function being invoked in a recursive loop"));
    context.request_id = RequestId::from_random(7);
    harness.lambda.invoke(&context, event("f", "{}")).await.unwrap();
    clock.quiet().await;
    let ended = told_of(&harness, &context.request_id.to_string());
    assert_eq!(ended.len(), 2, "accepted, and ended without an attempt: {ended:?}");
    assert_eq!(harness.seen.values("RecursiveInvocationsDropped", &["FunctionName=f"]), [1.0, 1.0]);

    let allow = PutFunctionRecursionConfigRequest {
        function_name: "f".to_owned(),
        recursive_loop: RecursiveLoop::Allow,
    };
    harness.lambda.put_function_recursion_config(&context, allow).await.unwrap();
    harness.lambda.invoke(&context, request()).await.unwrap();
}

/// As queues, topics and destinations do it.
#[tokio::test]
async fn another_service_hands_an_event_over_in_its_own_commit() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    harness.create(python("f", "def handler(event, context): return event")).await;
    let arn = |text: &str| FunctionArn::parse(&format!("{ARN}:{text}")).unwrap();
    let sent = |payload: &str| FunctionEvent {
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        trace_header: None,
        source: TOPIC.to_owned(),
        from: Some("message".to_owned()),
    };
    for (name, exists) in [("f", true), ("f:$LATEST", true), ("f:1", false), ("f:live", false), ("g", false)]
    {
        assert_eq!(harness.lambda.function_exists(&arn(name)).await, Ok(exists), "{name}");
    }
    let refused =
        async |name: &str, payload: &str| harness.lambda.prepare_event(&arn(name), sent(payload)).await.err();
    assert_eq!(refused("g", "{}").await, Some(TargetError::NotFound(format!("{ARN}:g"))));
    assert!(matches!(refused("f", "oops").await, Some(TargetError::Refused(_))));
    assert!(matches!(refused("f", &" ".repeat(1_048_577)).await, Some(TargetError::Refused(_))));

    // What is not committed does not run.
    drop(harness.lambda.prepare_event(&arn("f"), sent("{}")).await.unwrap());
    let mut prepared = harness.lambda.prepare_event(&arn("f"), sent("{}")).await.unwrap();
    let (id, mut transaction) = (prepared.id.clone(), Transaction::new());
    prepared.join(&mut transaction);
    harness.store.commit(transaction).await.unwrap();
    prepared.committed();
    clock.quiet().await;
    assert_eq!(told_of(&harness, &id), ["accepted", "1 on $LATEST: well", "Success"]);
    let story = harness.seen.story(&id);
    let Some(What::Accepted { by, from, .. }) = story.first() else { panic!("{story:?}") };
    assert_eq!((by.as_str(), from.as_deref()), (TOPIC, Some("message")));
    assert_eq!(harness.seen.values("Invocations", &["FunctionName=f"]), [1.0]);
}

#[tokio::test]
async fn a_failed_event_is_replayed_as_a_new_one() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    harness.create(python("f", FAILING)).await;
    let put = PutFunctionEventInvokeConfigRequest {
        maximum_retry_attempts: Some(0),
        ..PutFunctionEventInvokeConfigRequest::default()
    };
    configure(&harness, put).await;
    let id = send(&harness, &clock, "f", "[1]").await;
    let failed = harness.seen.failed().pop().unwrap();
    assert_eq!((&failed.id, &failed.payload[..]), (&id, &b"[1]"[..]));
    let replayed = harness.lambda.replay(failed.clone()).await.unwrap().to_string();
    clock.quiet().await;
    assert_ne!(replayed, id);
    let story = harness.seen.story(&replayed);
    let Some(What::Accepted { from, .. }) = story.first() else { panic!("{story:?}") };
    assert_eq!(from.as_deref(), Some(id.as_str()));
    assert_eq!(told_of(&harness, &replayed).last().map(String::as_str), Some("RetriesExhausted"));
    super::functions::delete(&harness, "f", None).await.unwrap();
    assert!(matches!(harness.lambda.replay(failed).await, Err(TargetError::NotFound(_))));
}

/// Each record is the event of the other one: no caller sends a trace header along.
#[tokio::test]
async fn destinations_that_lead_to_each_other_are_a_loop() {
    let clock = clock();
    let harness = Harness::running(&clock).await;
    for name in ["f", "g"] {
        harness.create(python(name, "def handler(event, context): pass")).await;
    }
    for (name, other) in [("f", "g"), ("g", "f")] {
        let success = OnSuccess { destination: Some(format!("{ARN}:{other}")) };
        let put = PutFunctionEventInvokeConfigRequest {
            function_name: name.to_owned(),
            destination_config: Some(DestinationConfig { on_success: Some(success), on_failure: None }),
            ..PutFunctionEventInvokeConfigRequest::default()
        };
        harness.lambda.put_function_event_invoke_config(&context(), put).await.unwrap();
    }
    send(&harness, &clock, "f", "{}").await;
    let invocations =
        |name: &str| harness.seen.values("Invocations", &[&format!("FunctionName={name}")]).len();
    assert_eq!((invocations("f"), invocations("g")), (16, 16));
    assert_eq!(harness.seen.values("RecursiveInvocationsDropped", &["FunctionName=f"]), [1.0]);
}
