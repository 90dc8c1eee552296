//! The Runtime API.

use runtime_api::{Answer, InitFailure, NotReady, RESPONSE_MAX_BYTES, StreamPart};
use tokio::sync::mpsc;

use crate::client::{Client, event, initialized, ready, serve};

#[tokio::test]
async fn an_event_goes_into_the_waiting_next_and_its_response_comes_back() {
    let mut server = serve(&[]);
    assert_eq!(server.session.invoke(event("id-0", "{}")).unwrap_err(), NotReady);
    let mut runtime = ready(&mut server).await;
    for round in 1..=3 {
        let id = format!("id-{round}");
        let answer = server.session.invoke(event(&id, "[1]")).unwrap();
        assert_eq!(server.session.invoke(event("other", "")).unwrap_err(), NotReady);
        let next = runtime.response().await;
        assert_eq!((next.status, next.body.as_str()), (200, "[1]"));
        assert_eq!(next.header("Lambda-Runtime-Aws-Request-Id"), Some(id.as_str()));
        assert_eq!(next.header("Lambda-Runtime-Deadline-Ms"), Some("1700000000000"));
        assert_eq!(next.header("Lambda-Runtime-Trace-Id"), Some("Root=1"));
        // A line end inside a header would end the header.
        assert_eq!(next.header("Lambda-Runtime-Client-Context"), Some("{ \"a\":1}"));
        let accepted = runtime.respond(&id, "done").await;
        assert_eq!((accepted.status, accepted.body.as_str()), (202, "{\"status\":\"OK\"}\n"));
        let Answer::Response { body, .. } = answer.await.unwrap() else { panic!("a response") };
        assert_eq!(&body[..], b"done");
        runtime.next().await;
        server.idle.reached(round).await;
    }
}

#[tokio::test]
async fn a_runtime_that_lost_its_connection_gets_its_event_again() {
    let mut server = serve(&[]);
    drop(ready(&mut server).await);
    let mut runtime = Client::connect(&server).await;
    runtime.next().await;
    let answer = server.session.invoke(event("id", "1")).unwrap();
    assert_eq!(runtime.response().await.body, "1");
    drop(runtime);
    let mut again = Client::connect(&server).await;
    again.next().await;
    assert_eq!(again.response().await.body, "1");
    assert_eq!(again.respond("id", "2").await.status, 202);
    assert!(matches!(answer.await.unwrap(), Answer::Response { .. }));
}

#[tokio::test]
async fn wrong_ids_and_wrong_moments_are_refused_as_aws_does() {
    let mut server = serve(&[]);
    let mut early = Client::connect(&server).await;
    assert_eq!(early.respond("id", "").await.error(), (400, "InvalidRequestID".to_owned()));
    let mut runtime = ready(&mut server).await;
    let init = early.post("/2018-06-01/runtime/init/error", "", "{}").await;
    assert_eq!(init.error(), (403, "InvalidStateTransition".to_owned()));
    assert_eq!(
        init.json()["errorMessage"],
        "State transition from Ready to InitError failed for runtime. Error: State transition is not allowed"
    );
    let answer = server.session.invoke(event("id", "1")).unwrap();
    runtime.response().await;
    assert_eq!(runtime.respond("other", "").await.error(), (400, "InvalidRequestID".to_owned()));
    assert_eq!(runtime.respond("id", "").await.status, 202);
    assert_eq!(runtime.respond("id", "").await.error(), (400, "InvalidRequestID".to_owned()));
    answer.await.unwrap();
    for (path, status) in [
        ("/2018-06-01/runtime/restore/next", 404),
        ("/2018-06-01/ping", 200),
        ("/nothing", 404),
        ("/2018-06-01/runtime/init/error", 405),
    ] {
        early.get(path, "").await;
        assert_eq!(early.response().await.status, status, "{path}");
    }
}

#[tokio::test]
async fn errors_carry_their_filtered_type_and_their_document() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("id", "1")).unwrap();
    runtime.response().await;
    let headers = "Lambda-Runtime-Function-Error-Type: ValueError\r\n";
    let path = "/2018-06-01/runtime/invocation/id/error";
    assert_eq!(runtime.post(path, headers, "{\"errorType\":\"ValueError\"}").await.status, 202);
    let expected = Answer::Error {
        error_type: "Runtime.Unknown".to_owned(),
        body: "{\"errorType\":\"ValueError\"}".into(),
    };
    assert_eq!(answer.await.unwrap(), expected);
}

#[tokio::test]
async fn a_failed_initialization_is_told_with_its_document() {
    let mut server = serve(&[]);
    let mut runtime = Client::connect(&server).await;
    let headers = "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n";
    assert_eq!(runtime.post("/2018-06-01/runtime/init/error", headers, "{}").await.status, 202);
    let expected =
        InitFailure::Reported { error_type: "Runtime.ImportModuleError".to_owned(), body: "{}".into() };
    assert_eq!(initialized(&mut server).await, Err(expected));
}

#[tokio::test]
async fn a_response_at_the_limit_passes_and_one_byte_more_does_not() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    assert_eq!(runtime.respond("a", &"x".repeat(RESPONSE_MAX_BYTES)).await.status, 202);
    assert!(
        matches!(answer.await.unwrap(), Answer::Response { body, .. } if body.len() == RESPONSE_MAX_BYTES)
    );
    runtime.next().await;
    server.idle.reached(1).await;
    let answer = server.session.invoke(event("b", "1")).unwrap();
    runtime.response().await;
    let refused = runtime.respond("b", &"x".repeat(RESPONSE_MAX_BYTES + 1)).await;
    assert_eq!(refused.error(), (413, "RequestEntityTooLarge".to_owned()));
    assert_eq!(answer.await.unwrap(), Answer::TooLarge);
    // The same connection goes on.
    runtime.next().await;
    server.idle.reached(2).await;
}

#[tokio::test]
async fn a_large_event_reaches_a_runtime_that_reads_late() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let payload = "x".repeat(6 * 1024 * 1024);
    let _answer = server.session.invoke(event("a", &payload)).unwrap();
    assert_eq!(runtime.response().await.body, payload);
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_continue_is_told() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    let head = "POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    runtime.send(head.as_bytes()).await;
    assert_eq!(runtime.response().await.status, 100);
    runtime.send(b"ok").await;
    assert_eq!(runtime.response().await.status, 202);
    assert!(matches!(answer.await.unwrap(), Answer::Response { .. }));
}

const STREAMING: &str = "POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\nContent-Type: text/plain\r\n\
                         Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
                         Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n";

#[tokio::test]
async fn a_stream_is_passed_on_as_it_arrives_and_its_trailers_are_its_error() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let (sender, mut parts) = mpsc::channel(1);
    let mut streamed = event("a", "1");
    streamed.stream = Some(sender);
    let answer = server.session.invoke(streamed).unwrap();
    runtime.response().await;
    runtime.send(STREAMING.as_bytes()).await;
    assert_eq!(parts.recv().await, Some(StreamPart::Head { content_type: "text/plain".to_owned() }));
    runtime.send(b"3\r\none\r\n").await;
    // It is here before the function has written the rest.
    assert_eq!(parts.recv().await, Some(StreamPart::Chunk("one".into())));
    runtime.send(b"3\r\ntwo\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Oops\r\n").await;
    assert_eq!(parts.recv().await, Some(StreamPart::Chunk("two".into())));
    runtime.send(b"Lambda-Runtime-Function-Error-Body: e30=\r\n\r\n").await;
    let error = Some(("Function.Oops".to_owned(), "{}".into()));
    assert_eq!(answer.await.unwrap(), Answer::Streamed { size_bytes: 6, error });
    assert_eq!(runtime.response().await.status, 202);
}

#[tokio::test]
async fn a_stream_for_a_caller_that_wants_it_whole_is_collected() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    runtime.send(STREAMING.as_bytes()).await;
    runtime.send(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n").await;
    assert_eq!(runtime.response().await.status, 202);
    assert!(matches!(answer.await.unwrap(), Answer::Response { body, .. } if &body[..] == b"onetwo"));
}

#[tokio::test]
async fn an_unknown_response_mode_fails_the_invocation() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    let headers = "Lambda-Runtime-Function-Response-Mode: loud\r\n";
    let refused = runtime.post("/2018-06-01/runtime/invocation/a/response", headers, "x").await;
    assert_eq!(refused.error(), (400, "InvalidFunctionResponseMode".to_owned()));
    assert_eq!(answer.await.unwrap(), Answer::InvalidResponseMode);
}

#[tokio::test]
async fn a_response_that_breaks_off_is_truncated() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    runtime
        .send(b"POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
        .await;
    runtime.half_close().await;
    assert_eq!(runtime.response().await.error(), (400, "TruncatedHTTPRequest".to_owned()));
    assert_eq!(answer.await.unwrap(), Answer::Truncated);
}

#[tokio::test]
async fn the_last_words_of_a_runtime_that_ended_are_heard_and_then_it_is_gone() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    runtime
        .send(b"POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\nContent-Length: 2\r\n\r\nok")
        .await;
    drop(runtime);
    server.session.runtime_ended().await;
    assert!(matches!(answer.await.unwrap(), Answer::Response { .. }));

    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    let answer = server.session.invoke(event("a", "1")).unwrap();
    runtime.response().await;
    drop(runtime);
    server.session.runtime_ended().await;
    assert_eq!(answer.await.unwrap(), Answer::Gone);
    assert_eq!(server.session.invoke(event("b", "")).unwrap_err(), NotReady);
}
