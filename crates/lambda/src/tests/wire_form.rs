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
