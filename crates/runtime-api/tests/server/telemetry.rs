//! The Telemetry API.

use clock::{Timestamp, execution_timeout};
use runtime_api::{TelemetryEvent, TelemetryKind, TelemetryReach};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, LIMIT, Server, serve, serve_with};

const PATH: &str = "/2022-07-01/telemetry";

async fn registered(server: &Server) -> (Client, String) {
    let mut client = Client::connect(server).await;
    let answer = client
        .post("/2020-01-01/extension/register", "Lambda-Extension-Name: watch\r\n", "{\"events\":[]}")
        .await;
    let id = answer.header("Lambda-Extension-Identifier").unwrap().to_owned();
    (client, format!("Lambda-Extension-Identifier: {id}\r\n"))
}

fn subscription(types: &str, destination: &str) -> String {
    format!(
        "{{\"schemaVersion\":\"2022-07-01\",\"types\":[{types}],\"destination\":{destination},\
         \"buffering\":{{\"maxItems\":1000,\"maxBytes\":262144,\"timeoutMs\":25}}}}"
    )
}

#[tokio::test]
async fn events_reach_the_subscriber_over_http() {
    let server = serve(&["watch"]);
    let (mut client, id) = registered(&server).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let destination = format!("{{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox.localdomain:{port}/logs\"}}");
    let accepted = client.request("PUT", PATH, &id, &subscription("\"platform\"", &destination)).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (200, "OK"));
    for (kind, event_type) in
        [(TelemetryKind::Function, "function"), (TelemetryKind::Platform, "platform.start")]
    {
        let record = serde_json::json!({ "requestId": "a" });
        server.session.report(&TelemetryEvent { kind, time: Timestamp::from_millis(0), event_type, record });
    }
    let (mut stream, _) = execution_timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"]") {
        let mut chunk = [0; 1024];
        let size = execution_timeout(LIMIT, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert_ne!(size, 0, "the batch is whole");
        received.extend_from_slice(&chunk[..size]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let received = String::from_utf8(received).unwrap();
    assert!(received.starts_with("POST /logs HTTP/1.1\r\n"), "{received}");
    let body = received.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(
        body,
        r#"[{"time":"1970-01-01T00:00:00.000Z","type":"platform.start","record":{"requestId":"a"}}]"#
    );
}

#[tokio::test]
async fn what_cannot_be_delivered_is_refused_rather_than_ignored() {
    let server = serve_with(&["watch"], TelemetryReach::Unreachable);
    let (mut client, id) = registered(&server).await;
    let destination = "{\"protocol\":\"TCP\",\"port\":1}";
    let refused = client.request("PUT", PATH, &id, &subscription("\"platform\"", destination)).await;
    assert_eq!(refused.error(), (403, "Telemetry.NotSupported".to_owned()));
    let logs = client.request("PUT", "/2020-08-15/logs", &id, "{}").await;
    assert_eq!(logs.error(), (403, "Logs.NotSupported".to_owned()));
}

#[tokio::test]
async fn subscriptions_are_checked() {
    let server = serve(&["watch"]);
    let (mut client, id) = registered(&server).await;
    for (types, destination) in [
        ("", "{\"protocol\":\"TCP\",\"port\":1}"),
        ("\"weather\"", "{\"protocol\":\"TCP\",\"port\":1}"),
        ("\"extension\"", "{\"protocol\":\"TCP\",\"port\":1}"),
        ("\"platform\"", "{\"protocol\":\"UDP\",\"port\":1}"),
        ("\"platform\"", "{\"protocol\":\"HTTP\",\"URI\":\"http://169.254.169.254/\"}"),
        ("\"platform\"", "{\"protocol\":\"HTTP\",\"URI\":\"http://sandbox:99999/\"}"),
    ] {
        let refused = client.request("PUT", PATH, &id, &subscription(types, destination)).await;
        assert_eq!(refused.error(), (400, "ValidationError".to_owned()), "{types} {destination}");
    }
}
