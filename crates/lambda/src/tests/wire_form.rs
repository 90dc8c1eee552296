//! Requests as they come over the wire.

use api_lambda::{LambdaService, SERVICE};
use bytes::Bytes;
use wire::{Body, Protocol, Request, RouteMatch, Service, match_route, respond, respond_error};

use super::harness::{Harness, context};

async fn call(harness: &Harness, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let RouteMatch::Operation(operation, labels) = match_route(&SERVICE, method, path, "") else {
        panic!("no operation has {method} {path}")
    };
    let (parts, ()) = http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
    let protocol = Protocol::RestJson1;
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = Request { service: &SERVICE, operation, protocol, parts, labels, body };
    let context = context();
    let response = match LambdaService(harness.lambda.clone()).call(&context, &request).await {
        Ok(reply) => respond(&SERVICE, operation, protocol, context.request_id, reply),
        Err(error) => respond_error(Some(&SERVICE), protocol, context.request_id, &error),
    };
    let header = response.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let Body::Full(bytes) = response.into_body() else { panic!("a stream") };
    (status, header.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn an_unknown_runtime_reaches_the_handler() {
    let harness = Harness::new().await;
    let body = r#"{"FunctionName": "f", "Runtime": "cobol1", "Handler": "h", "Code": {"ZipFile": ""},
        "Role": "arn:aws:iam::000000000000:role/r"}"#;
    let (status, code, body) = call(&harness, "POST", "/2015-03-31/functions", body).await;
    assert_eq!((status, code.as_str()), (400, "InvalidParameterValueException"));
    assert!(body.starts_with("{\"Type\":\"User\",\"message\":\"Value cobol1 at 'runtime'"), "{body}");
}

#[tokio::test]
async fn what_is_not_found_says_so_with_a_capital_letter() {
    let harness = Harness::new().await;
    let (status, code, body) = call(&harness, "GET", "/2015-03-31/functions/f", "").await;
    assert_eq!((status, code.as_str()), (404, "ResourceNotFoundException"));
    assert!(body.contains("\"Message\":\"Function not found: "), "{body}");
}

#[tokio::test]
async fn what_is_too_large_has_its_code_of_the_wire() {
    let harness = Harness::new().await;
    let large = " ".repeat(6_291_457);
    let (status, code, _) = call(&harness, "POST", "/2015-03-31/functions/f/invocations", &large).await;
    assert_eq!((status, code.as_str()), (413, "RequestEntityTooLargeException"));
}

/// As recorded on AWS.
#[tokio::test]
async fn what_is_wrong_with_members_is_said_of_the_whole() {
    let harness = Harness::new().await;
    let aliases = "/2015-03-31/functions/f/aliases";
    let weights = |weights: &str| {
        format!(
            r#"{{"Name": "a", "FunctionVersion": "1", "RoutingConfig": {{"AdditionalVersionWeights": {weights}}}}}"#
        )
    };
    let of_weights = "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint:";
    let functions = "/2015-03-31/functions";
    for (path, body, message) in [
        (
            aliases,
            weights(r#"{"2": 2.0}"#),
            format!(
                "Value '{{2=2.0}}' {of_weights} Map value must satisfy constraint: [Member must have value less than or \
                 equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
            ),
        ),
        (
            aliases,
            weights(r#"{"$LATEST": 0.5}"#),
            format!(
                "Value '{{$LATEST=0.5}}' {of_weights} Map keys must satisfy constraint: [Member must have length less \
                 than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular \
                 expression pattern: [0-9]+, Member must not be null]"
            ),
        ),
        (
            functions,
            r#"{"FunctionName": "f", "Code": {}, "Role": "arn:aws:iam::000000000000:role/r",
                "Architectures": ["arm"]}"#
                .to_owned(),
            "Value '[arm]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must \
             satisfy enum value set: [x86_64, arm64], Member must not be null]"
                .to_owned(),
        ),
        (
            functions,
            r#"{"FunctionName": "f", "Code": {}, "Role": "arn:aws:iam::000000000000:role/r",
                "Environment": {"Variables": {"A": "secret"}}}"#
                .to_owned(),
            "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member \
             must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"
                .to_owned(),
        ),
    ] {
        let (status, code, body) = call(&harness, "POST", path, &body).await;
        assert_eq!((status, code.as_str()), (400, "ValidationException"));
        assert_eq!(body, format!(r#"{{"message":"1 validation error detected: {message}"}}"#));
    }
}

/// Older SDKs put a slash behind the path.
#[tokio::test]
async fn mappings_are_under_a_path_with_and_without_a_slash_at_its_end() {
    let harness = Harness::new().await;
    harness.create(super::harness::idle("f")).await;
    let queue = super::mapping_requests::QUEUE;
    for path in ["/2015-03-31/event-source-mappings", "/2015-03-31/event-source-mappings/"] {
        let (status, _, body) = call(&harness, "GET", path, "").await;
        assert_eq!((status, body.as_str()), (200, "{\"EventSourceMappings\":[]}"));
        let (status, code, _) = call(&harness, "POST", path, "{\"FunctionName\": \"f\"}").await;
        assert_eq!((status, code.as_str()), (400, "InvalidParameterValueException"));
    }
    let body = format!("{{\"FunctionName\": \"f\", \"EventSourceArn\": \"{queue}\", \"Enabled\": false}}");
    let (status, _, body) = call(&harness, "POST", "/2015-03-31/event-source-mappings/", &body).await;
    let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &shown["State"]), (202, &serde_json::json!("Disabled")), "{body}");
    assert!(shown["LastModified"].is_number(), "{body}");
    let path = format!("/2015-03-31/event-source-mappings/{}", shown["UUID"].as_str().unwrap());
    for (method, expected) in [("GET", 200), ("DELETE", 202)] {
        let (status, _, body) = call(&harness, method, &path, "").await;
        assert_eq!(status, expected, "{body}");
    }
}
