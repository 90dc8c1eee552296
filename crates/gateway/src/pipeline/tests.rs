use auth::{Credential, Mode, sign};
use http::Request;
use http_body_util::{BodyExt, Full};
use wire::Client;

use super::*;
use crate::body::Outgoing;
use crate::testing::{KEY, SECRET, entrance, fakes, pipeline};

async fn send(
    pipeline: &Pipeline,
    side: Side,
    request: http::request::Builder,
    body: &'static str,
) -> (http::response::Parts, String) {
    let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
    let caller = Caller { client: Client::default(), watch: None };
    let (parts, body) = pipeline.answer(request, &entrance(side), caller).await.map(Outgoing).into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts, String::from_utf8(body.to_vec()).unwrap())
}

fn post(uri: &str) -> http::request::Builder {
    Request::builder().method("POST").uri(uri).header("host", "127.0.0.1:4566")
}

fn off() -> Pipeline {
    pipeline(Config::default(), Mode::Off, &fakes())
}

fn header<'a>(parts: &'a http::response::Parts, name: &str) -> &'a str {
    parts.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

const INVOKE: &str = "/2015-03-31/functions/f/invocations";

#[tokio::test]
async fn a_request_reaches_its_operation_with_its_account_and_region() {
    let scope = "AWS4-HMAC-SHA256 Credential=123456789012/20200101/eu-west-3/lambda/aws4_request, \
                 SignedHeaders=host, Signature=0";
    let request = post(INVOKE).header("authorization", scope);
    let (parts, body) = send(&off(), Side::Host, request, "event").await;
    assert_eq!((parts.status.as_u16(), body.as_str()), (200, "event"));
    assert_eq!(header(&parts, "x-operation"), "Invoke");
    assert_eq!(header(&parts, "x-account"), "123456789012");
    assert_eq!(header(&parts, "x-region"), "eu-west-3");
    assert_eq!(header(&parts, "x-name"), "f");
    assert_eq!(header(&parts, "x-amzn-requestid").len(), 36);
    assert_eq!(header(&parts, "access-control-allow-origin"), "");

    let (parts, _) = send(&off(), Side::Function, post(INVOKE), "event").await;
    assert_eq!((header(&parts, "x-account"), header(&parts, "x-region")), ("000000000000", "us-east-1"));
}

#[tokio::test]
async fn own_paths_are_for_the_host_alone() {
    for path in ["/_lambent/health", "/_localstack/health", "/_lambent"] {
        let (parts, body) = send(&off(), Side::Host, post(path), "").await;
        assert_eq!((parts.status.as_u16(), body), (200, format!("own {path} Loopback")));
        let (parts, _) = send(&off(), Side::Function, post(path), "").await;
        assert_eq!(parts.status, 403);
    }
    let (parts, _) = send(&off(), Side::Host, post("/_lambently"), "").await;
    assert_eq!(parts.status, 403);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_in_the_clients_protocol() {
    let request = post("/").header("origin", "http://evil.example");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (parts, body) = send(&off(), Side::Host, request, "Action=GetRole&Version=2010-05-08").await;
    assert_eq!((parts.status.as_u16(), header(&parts, "content-type")), (403, "text/xml"));
    assert!(body.contains("<Code>AccessDeniedException</Code>"), "{body}");
    assert_eq!(header(&parts, "access-control-allow-origin"), "");

    let rebound = Request::builder().method("POST").uri(INVOKE).header("host", "evil.example");
    assert_eq!(send(&off(), Side::Host, rebound, "").await.0.status, 403);
    let own = post(INVOKE).header("origin", "http://127.0.0.1:4566");
    let (parts, _) = send(&off(), Side::Host, own, "").await;
    assert_eq!(
        (parts.status.as_u16(), header(&parts, "access-control-allow-origin")),
        (200, "http://127.0.0.1:4566")
    );
    let inside = Request::builder().method("POST").uri(INVOKE).header("host", "lambent");
    assert_eq!(send(&off(), Side::Function, inside, "").await.0.status, 200);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let config = Config { body_bytes_max: 5, ..Config::default() };
    let pipeline = pipeline(config, Mode::Off, &fakes());
    assert_eq!(send(&pipeline, Side::Host, post(INVOKE), "12345").await.0.status, 200);
    let (parts, body) = send(&pipeline, Side::Host, post(INVOKE), "123456").await;
    assert_eq!(parts.status, 413);
    assert_eq!(header(&parts, "x-amzn-errortype"), "RequestEntityTooLargeException");
    assert_eq!(body, r#"{"message":"Request must be smaller than 6 bytes for the Invoke operation"}"#);
    let form = post("/").header("content-type", "application/x-www-form-urlencoded");
    let (parts, body) = send(&pipeline, Side::Host, form, "Action=GetRole&Version=2010-05-08").await;
    assert_eq!(parts.status, 413);
    assert!(body.contains("<Message>Request must be smaller than 6 bytes</Message>"), "{body}");
}

#[tokio::test]
async fn what_is_not_implemented_says_so_by_name() {
    let delete =
        Request::builder().method("DELETE").uri("/2015-03-31/functions/f").header("host", "localhost");
    let (parts, body) = send(&off(), Side::Host, delete, "").await;
    assert_eq!(parts.status, 501);
    assert!(body.contains("lambda:DeleteFunction is not implemented"), "{body}");

    let scope =
        "AWS4-HMAC-SHA256 Credential=a/20200101/eu-west-3/s3/aws4_request, SignedHeaders=host, Signature=0";
    let (parts, body) =
        send(&off(), Side::Host, post("/bucket/key").header("authorization", scope), "").await;
    assert_eq!((parts.status.as_u16(), header(&parts, "content-type")), (501, "application/xml"));
    assert!(body.contains("<Error><Code>NotImplemented</Code><Message>S3 is not implemented"), "{body}");
}

#[tokio::test]
async fn strict_authentication_answers_in_the_codes_of_the_protocol() {
    let strict = pipeline(Config::default(), Mode::Strict, &fakes());
    let (parts, body) = send(&strict, Side::Host, post(INVOKE), "").await;
    assert_eq!(parts.status, 403);
    assert_eq!(header(&parts, "x-amzn-errortype"), "MissingAuthenticationTokenException");
    assert_eq!(body, r#"{"message":"Request is missing Authentication Token"}"#);

    let target = post("/").header("x-amz-target", "AmazonSQS.SendMessage");
    let (parts, body) = send(&strict, Side::Host, target, "{}").await;
    assert_eq!(parts.status, 400);
    assert!(body.contains("MissingAuthenticationTokenException"), "{body}");

    let form = post("/").header("content-type", "application/x-www-form-urlencoded");
    let (parts, body) = send(&strict, Side::Host, form, "Action=GetRole&Version=2010-05-08").await;
    assert_eq!(parts.status, 403);
    assert!(body.contains("<Code>MissingAuthenticationToken</Code>"), "{body}");

    let (parts, _) = send(&strict, Side::Host, signed(SECRET), "").await;
    assert_eq!((parts.status.as_u16(), header(&parts, "x-account")), (200, "111122223333"));
    let (parts, body) = send(&strict, Side::Host, signed("guess"), "").await;
    assert_eq!(header(&parts, "x-amzn-errortype"), "InvalidSignatureException");
    assert_eq!(parts.status, 403);
    assert!(body.contains("The request signature we calculated does not match"), "{body}");
    let (parts, _) = send(&strict, Side::Host, post("/_lambent/health"), "").await;
    assert_eq!(parts.status, 200);
}

/// An Invoke with an empty body, signed as "Signature Version 4" prescribes.
fn signed(secret: &str) -> http::request::Builder {
    // SHA-256 of the canonical request: POST, path, no query, host and date, the hash of nothing.
    const CANONICAL_SHA256: &str = "e8c7205730fce2ccdbad5604e92dbb5e20e7ed81ba77f399a77f2dbbfb847c38";
    let credential = Credential {
        access_key: KEY.to_owned(),
        date: "20150830".to_owned(),
        region: "eu-central-1".to_owned(),
        service: "lambda".to_owned(),
    };
    let scope = credential.scope();
    let to_sign = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{CANONICAL_SHA256}");
    let signature = sign(secret, &credential, &to_sign);
    post(INVOKE).header("x-amz-date", "20150830T123600Z").header(
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
        ),
    )
}
