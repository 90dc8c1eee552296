//! The Extensions API.

use runtime_api::{Answer, InitFailure, ShutdownReason};

use crate::client::{Client, event, initialized, serve};

const REGISTER: &str = "/2020-01-01/extension/register";
const NEXT: &str = "/2020-01-01/extension/event/next";

async fn register(client: &mut Client, name: &str, events: &str) -> crate::client::Response {
    let headers = format!("Lambda-Extension-Name: {name}\r\nLambda-Extension-Accept-Feature: accountId\r\n");
    client.post(REGISTER, &headers, &format!("{{\"events\":[{events}]}}")).await
}

fn identified(id: &str) -> String {
    format!("Lambda-Extension-Identifier: {id}\r\n")
}

#[tokio::test]
async fn an_external_extension_hears_of_invocations_and_of_the_shutdown() {
    let mut server = serve(&["watch"]);
    let mut extension = Client::connect(&server).await;
    let registered = register(&mut extension, "watch", "\"INVOKE\",\"SHUTDOWN\"").await;
    assert_eq!(registered.status, 200);
    let expected = serde_json::json!({
        "functionName": "f", "functionVersion": "$LATEST", "handler": "index.handler", "accountId": "000000000000",
    });
    assert_eq!(registered.json(), expected);
    let id = identified(registered.header("Lambda-Extension-Identifier").unwrap());

    let mut runtime = Client::connect(&server).await;
    runtime.next().await;
    extension.get(NEXT, &id).await;
    initialized(&mut server).await.unwrap();

    let answer = server.session.invoke(event("a", "1")).unwrap();
    let told = extension.response().await;
    assert!(told.header("Lambda-Extension-Event-Identifier").is_some());
    assert_eq!(told.json()["eventType"], "INVOKE");
    assert_eq!(told.json()["requestId"], "a");
    assert_eq!(told.json()["deadlineMs"], 1_700_000_000_000_i64);
    assert_eq!(told.json()["tracing"], serde_json::json!({ "type": "X-Amzn-Trace-Id", "value": "Root=1" }));
    runtime.response().await;
    runtime.respond("a", "1").await;
    assert!(matches!(answer.await.unwrap(), Answer::Response { .. }));
    runtime.next().await;
    // The extension is still at work.
    assert!(server.session.invoke(event("b", "")).is_err());
    extension.get(NEXT, &id).await;
    server.idle.reached(1).await;

    assert!(server.session.has_external_extensions());
    server.session.shut_down(ShutdownReason::Spindown, clock::Timestamp::from_millis(7));
    let expected =
        serde_json::json!({ "eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN", "deadlineMs": 7 });
    assert_eq!(extension.response().await.json(), expected);
    assert!(server.session.invoke(event("c", "")).is_err());
}

#[tokio::test]
async fn registrations_are_checked_as_aws_checks_them() {
    let mut server = serve(&["outside"]);
    let mut client = Client::connect(&server).await;
    let refused = |error_type: &str| (403, format!("Extension.{error_type}"));
    assert_eq!(client.post(REGISTER, "", "{}").await.error(), refused("InvalidExtensionName"));
    let named = "Lambda-Extension-Name: inside\r\n";
    assert_eq!(
        client.post(REGISTER, named, "no json").await.error(),
        (403, "InvalidRequestFormat".to_owned())
    );
    let keys = "{\"configurationKeys\":[\"x\"]}";
    assert_eq!(client.post(REGISTER, named, keys).await.error(), (403, "InvalidRequestFormat".to_owned()));
    let shutdown = register(&mut client, "inside", "\"SHUTDOWN\"").await;
    assert_eq!(shutdown.error(), refused("InvalidEventType"));
    assert_eq!(shutdown.json()["errorMessage"], "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension");
    assert_eq!(register(&mut client, "outside", "\"LUNCH\"").await.error(), refused("InvalidEventType"));

    assert_eq!(register(&mut client, "outside", "").await.status, 200);
    assert_eq!(register(&mut client, "outside", "").await.error(), refused("InvalidExtensionState"));
    for number in 0..9 {
        assert_eq!(register(&mut client, &format!("inside{number}"), "").await.status, 200);
    }
    assert_eq!(register(&mut client, "inside0", "").await.error(), refused("InvalidExtensionState"));
    let eleventh = register(&mut client, "inside9", "").await;
    assert_eq!(eleventh.error(), refused("TooManyExtensions"));
    assert_eq!(eleventh.json()["errorMessage"], "Extension limit (10) reached");

    for (headers, error_type) in [
        (String::new(), "MissingExtensionIdentifier"),
        (identified("nonsense"), "InvalidExtensionIdentifier"),
        (identified("00000000-0000-4000-8000-000000000000"), "UnknownExtensionIdentifier"),
    ] {
        client.get(NEXT, &headers).await;
        assert_eq!(client.response().await.error(), refused(error_type));
    }
    server.session.close();
    assert_eq!(initialized(&mut server).await, Err(InitFailure::Gone));
}

#[tokio::test]
async fn registration_closes_with_the_initialization() {
    let mut server = serve(&[]);
    let _runtime = crate::client::ready(&mut server).await;
    let mut late = Client::connect(&server).await;
    let refused = register(&mut late, "late", "").await;
    assert_eq!(refused.error(), (403, "Extension.RegistrationClosed".to_owned()));
}

#[tokio::test]
async fn an_extension_that_fails_fails_the_initialization() {
    let mut server = serve(&["watch"]);
    let mut extension = Client::connect(&server).await;
    let registered = register(&mut extension, "watch", "").await;
    let id = identified(registered.header("Lambda-Extension-Identifier").unwrap());
    let path = "/2020-01-01/extension/init/error";
    let nameless = extension.post(path, &id, "").await;
    assert_eq!(nameless.error(), (403, "Extension.MissingHeader".to_owned()));
    let headers = format!("{id}Lambda-Extension-Function-Error-Type: Extension.Broken\r\n");
    assert_eq!(extension.post(path, &headers, "").await.status, 202);
    let expected = InitFailure::Extension {
        error_type: "Extension.InitError",
        reported_type: "Extension.Broken".to_owned(),
    };
    assert_eq!(initialized(&mut server).await, Err(expected));
}
