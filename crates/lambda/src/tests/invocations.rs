//! Invocations of functions that really run.

use api_lambda::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;

use super::functions::publish;
use super::harness::{ARN, Harness, context, idle, python, told, zip};

const ECHO: &str = "
def handler(event, context):
    print('hello from', context.function_version)
    return [event, context.invoked_function_arn]
";

fn text(response: &InvocationResponse) -> String {
    String::from_utf8(response.payload.clone().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_function_answers_with_what_it_returns_and_its_log() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    let request = InvocationRequest {
        function_name: "f".to_owned(),
        payload: Some(Bytes::from_static(b"{\"a\": 1}")),
        log_type: Some(LogType::Tail),
        ..InvocationRequest::default()
    };
    let answer = harness.lambda.invoke(&context(), request).await.unwrap();
    assert_eq!(answer.function_error, None, "{}", text(&answer));
    assert_eq!(text(&answer), format!("[{{\"a\": 1}}, \"{ARN}:f\"]"));
    assert_eq!(answer.executed_version.as_deref(), Some("$LATEST"));
    assert_eq!(answer.status_code, Some(200));
    let log = String::from_utf8(STANDARD.decode(answer.log_result.unwrap()).unwrap()).unwrap();
    assert!(log.contains("hello from $LATEST") && log.contains("REPORT RequestId: "), "{log}");
    // Without a payload the event is an empty object.
    let request = InvocationRequest { function_name: "f".to_owned(), ..InvocationRequest::default() };
    let answer = harness.lambda.invoke(&context(), request).await.unwrap();
    assert_eq!(text(&answer), format!("[{{}}, \"{ARN}:f\"]"));
    assert_eq!(answer.log_result, None);
}

#[tokio::test]
async fn an_error_of_the_function_is_an_answer() {
    let harness = Harness::new().await;
    harness.create(python("f", "def handler(event, context): raise ValueError('no')")).await;
    let answer = harness.invoke("f", "{}").await.unwrap();
    assert_eq!(answer.function_error.as_deref(), Some("Unhandled"));
    assert!(text(&answer).contains("\"errorType\": \"ValueError\""), "{}", text(&answer));
}

#[tokio::test]
async fn an_update_is_seen_by_the_next_invocation() {
    let harness = Harness::new().await;
    harness.create(python("f", "def handler(event, context): return 1")).await;
    assert_eq!(text(&harness.invoke("f", "{}").await.unwrap()), "1");
    let request = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: Some(zip(&[("index.py", "def handler(event, context): return 2")])),
        ..UpdateFunctionCodeRequest::default()
    };
    harness.lambda.update_function_code(&context(), request).await.unwrap();
    // As long as it is not prepared, what was there serves; there is no moment at which nothing does.
    let meanwhile = text(&harness.invoke("f", "{}").await.unwrap()).to_owned();
    assert!(["1", "2"].contains(&&*meanwhile), "{meanwhile}");
    harness.settled("f").await;
    assert_eq!(text(&harness.invoke("f", "{}").await.unwrap()), "2");
    super::functions::delete(&harness, "f", None).await.unwrap();
    assert_eq!(told(harness.invoke("f", "{}").await).2, format!("Function not found: {ARN}:f:$LATEST"));
}

#[tokio::test]
async fn a_weighted_alias_leads_to_both_versions() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    publish(&harness, "f", None).await;
    let request = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: Some(zip(&[("index.py", "def handler(event, context): return 2")])),
        ..UpdateFunctionCodeRequest::default()
    };
    harness.lambda.update_function_code(&context(), request).await.unwrap();
    harness.settled("f").await;
    publish(&harness, "f", None).await;
    let weights = [("2".to_owned(), 0.5)].into();
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        routing_config: Some(AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    let mut seen = [0, 0];
    // The chance that one of two even versions is never chosen is one in 2^39.
    for _ in 0..40 {
        let answer = harness.invoke("f:live", "{}").await.unwrap();
        match answer.executed_version.as_deref() {
            Some("1") => {
                assert_eq!(text(&answer), format!("[{{}}, \"{ARN}:f:live\"]"));
                seen[0] += 1;
            }
            Some("2") => seen[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let request = InvocationRequest {
        function_name: "f".to_owned(),
        invocation_type: Some(InvocationType::DryRun),
        ..InvocationRequest::default()
    };
    let dry = harness.lambda.invoke(&context(), request).await.unwrap();
    assert_eq!((dry.status_code, dry.payload, dry.executed_version), (Some(204), None, None));
}

#[tokio::test]
async fn what_cannot_be_an_event_is_refused_before_anything_runs() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let parse = "Could not parse request body into json: Could not parse payload into json: ";
    for (payload, problem) in [
        ("oops", "Unrecognized token 'oops': was expecting (JSON String, Number, Array, Object or token"),
        ("{\"a\":", "Unexpected end-of-input"),
        ("%", "Unexpected character ('%' (code 37))"),
        ("é", "Unexpected character ('é' (code 233))"),
    ] {
        let (code, status, message) = told(harness.invoke("f", payload).await);
        assert_eq!((code.as_str(), status), ("InvalidRequestContentException", 400));
        assert!(message.starts_with(&format!("{parse}{problem}")), "{message}");
        assert!(message.contains("\n at [Source: REDACTED"), "{message}");
    }
    let request = |payload: Vec<u8>, client_context: Option<String>| InvocationRequest {
        function_name: "f".to_owned(),
        payload: Some(payload.into()),
        client_context,
        ..InvocationRequest::default()
    };
    let large = request(vec![b' '; 6_291_457], None);
    let expected =
        "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)";
    assert_eq!(
        told(harness.lambda.invoke(&context(), large).await),
        ("RequestEntityTooLargeException".to_owned(), 413, expected.to_owned())
    );
    let contexts = [STANDARD.encode("not json"), STANDARD.encode("[1]"), "A".repeat(3_584)];
    for client_context in contexts.iter().map(String::as_str).chain(["not base64"]) {
        let request = request(b"{}".to_vec(), Some(client_context.to_owned()));
        assert_eq!(
            told(harness.lambda.invoke(&context(), request).await).0,
            "InvalidRequestContentException"
        );
    }
}

/// Headers that AWS sends and its model does not tell of.
#[tokio::test]
async fn an_answer_names_its_type_and_its_trace() {
    let harness = Harness::new().await;
    let source = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']";
    harness.create(python("f", source)).await;
    let answer = harness.invoke("f", "{}").await.unwrap();
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    let seen: String = serde_json::from_str(&text(&answer)).unwrap();
    let (trace, lineage) = seen.split_once(";Lineage=").unwrap();
    assert!(trace.starts_with("Root=1-") && trace.ends_with(";Sampled=0"), "{seen}");
    assert!(lineage.len() == "0123abcd:1".len() && lineage.ends_with(":1"), "{seen}");
    assert_eq!(answer.trace_id, Some(seen.to_ascii_lowercase()));
}

/// A string that is not UTF-8 reached the function, whose runtime could not read it.
#[tokio::test]
async fn an_event_that_is_not_utf_8_is_refused() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    for (payload, problem, place) in [
        (&b"\xff"[..], "Invalid UTF-8 start byte 0xff", "line: 1, column: 1"),
        (b"{\n\"a\": \"\xff\"}", "Invalid UTF-8 start byte 0xff", "line: 2, column: 7"),
        (b"\"\xc3\"", "Invalid UTF-8 middle byte 0x22", "line: 1, column: 2"),
        (b"\"\xc3", "Unexpected end-of-input", "line: 1, column: 2"),
    ] {
        let request = InvocationRequest {
            function_name: "f".to_owned(),
            payload: Some(Bytes::copy_from_slice(payload)),
            ..InvocationRequest::default()
        };
        let (code, status, message) = told(harness.lambda.invoke(&context(), request).await);
        assert_eq!((code.as_str(), status), ("InvalidRequestContentException", 400));
        assert!(message.contains(problem) && message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn a_throttled_caller_is_told_why_and_when_to_come_back() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    let request =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 0 };
    harness.lambda.put_function_concurrency(&context(), request).await.unwrap();
    let error = harness.invoke("f", "{}").await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("TooManyRequestsException", 429));
    assert_eq!(error.message(), Some("Rate Exceeded."));
    let Error::Modelled(shape) = &error else { panic!("{error}") };
    let shown = format!("{:?}", shape.0);
    assert!(shown.contains("ReservedFunctionConcurrentInvocationLimitExceeded"), "{shown}");
    assert!(shown.contains("retry_after_seconds: Some(\"1\")"), "{shown}");
}

#[tokio::test]
async fn a_response_comes_as_a_stream_of_events_from_a_function_that_does_not_stream_too() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    harness.create(python("g", "def handler(event, context): raise ValueError('no')")).await;
    let stream = async |name: &str| {
        let request = InvokeWithResponseStreamRequest {
            function_name: name.to_owned(),
            payload: Some(Bytes::from_static(b"[1]")),
            log_type: Some(LogType::Tail),
            ..InvokeWithResponseStreamRequest::default()
        };
        let answer = harness.lambda.invoke_with_response_stream(&context(), request).await.unwrap();
        assert_eq!((answer.status_code, answer.executed_version.as_deref()), (Some(200), Some("$LATEST")));
        let events: Vec<_> = answer.event_stream.collect().await;
        events.into_iter().map(|event| format!("{:?}", event.unwrap())).collect::<Vec<_>>()
    };
    let events = stream("f").await;
    let [chunk, complete] = events.as_slice() else { panic!("{events:?}") };
    assert!(chunk.contains("[[1], ") && chunk.contains("payload_chunk: Some"), "{chunk}");
    assert!(complete.contains("error_code: None") && complete.contains("log_result: Some"), "{complete}");
    let events = stream("g").await;
    let [complete] = events.as_slice() else { panic!("{events:?}") };
    assert!(complete.contains("error_code: Some(\"ValueError\")"), "{complete}");
    assert!(complete.contains("errorMessage"), "{complete}");
}
