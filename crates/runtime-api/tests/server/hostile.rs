//! Clients that mean harm, or do not speak HTTP. Whatever they do, the next one is served.

use proptest::prelude::*;
use runtime_api::Answer;

use crate::client::{Client, Server, event, ready, serve};

async fn still_serves(server: &Server) {
    let mut client = Client::connect(server).await;
    client.get("/2018-06-01/ping", "").await;
    assert_eq!(client.response().await.status, 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_harm_nobody(noise in proptest::collection::vec(any::<u8>(), 0..4096)) {
        throw(&[&noise]);
    }

    #[test]
    fn a_request_with_a_mutilated_middle_harms_nobody(
        at in 0_usize..200,
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        method in "(GET|POST|PUT|BREW)",
        path in "/(2018-06-01/runtime/(invocation/(next|id/(response|error))|init/error)|2020-01-01/extension/(register|event/next|init/error)|2022-07-01/telemetry)",
        framing in "(Content-Length: [0-9]{1,12}|Transfer-Encoding: chunked|Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked)",
    ) {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nLambda-Extension-Name: x\r\n{framing}\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ).into_bytes();
        let at = at.min(request.len());
        request.splice(at..at, noise);
        throw(&[&request]);
    }
}

/// Sends this in the middle of an invocation, and hangs up.
fn throw(pieces: &[&[u8]]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut server = serve(&[]);
        let mut function = ready(&mut server).await;
        let answer = server.session.invoke(event("id", "1")).unwrap();
        function.response().await;
        let mut hostile = Client::connect(&server).await;
        for piece in pieces {
            hostile.try_send(piece).await;
        }
        hostile.half_close().await;
        while hostile.try_response().await.is_some() {}
        still_serves(&server).await;
        drop(function);
        server.session.runtime_ended().await;
        // Whatever was made of it, the invocation has an end.
        let _ended: Result<Answer, _> = answer.await;
    });
}

#[tokio::test]
async fn an_endless_head_is_refused() {
    let server = serve(&[]);
    let mut client = Client::connect(&server).await;
    client.try_send(format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(2 * 1024 * 1024)).as_bytes()).await;
    assert!(client.try_response().await.is_none_or(|response| response.status == 431));
    still_serves(&server).await;
}

#[tokio::test]
async fn two_requests_at_once_on_one_connection_end_it() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    runtime.next().await;
    assert!(runtime.try_response().await.is_none());
    still_serves(&server).await;
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_wait_their_turn() {
    let server = serve(&[]);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Client::connect(&server).await);
    }
    silent.clear();
    still_serves(&server).await;
}

#[tokio::test]
async fn a_body_nobody_asked_for_is_not_kept() {
    let server = serve(&[]);
    let mut client = Client::connect(&server).await;
    let large = "x".repeat(8 * 1024 * 1024);
    assert_eq!(client.post("/nothing", "", &large).await.status, 404);
    assert_eq!(client.respond("id", &large).await.error(), (400, "InvalidRequestID".to_owned()));
    client.get("/2018-06-01/ping", "").await;
    assert_eq!(client.response().await.status, 200);
}

#[tokio::test]
async fn connections_end_with_the_session() {
    let mut server = serve(&[]);
    let mut runtime = ready(&mut server).await;
    server.session.close();
    assert!(runtime.try_response().await.is_none());
}
