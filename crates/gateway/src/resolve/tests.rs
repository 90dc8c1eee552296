use http::Request;

use super::*;
use crate::testing::{fakes, services};

fn resolve(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Result<Route, Refusal> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let parts = request.body(()).unwrap().into_parts().0;
    Services::new(services(&fakes())).resolve(&parts, body.as_bytes())
}

/// `SERVICE:OPERATION PROTOCOL`, or `CODE STATUS DIALECT`.
fn outcome(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> String {
    match resolve(method, uri, headers, body) {
        Ok(route) => {
            format!("{}:{} {:?}", route.service.schema().name, route.operation.name, route.protocol)
        }
        Err(refusal) => {
            format!("{} {} {:?}", refusal.error.code(), refusal.error.status(), refusal.dialect)
        }
    }
}

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20200101/eu-west-3/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn cbor_is_found_by_its_path() {
    let cbor = ("smithy-protocol", "rpc-v2-cbor");
    let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
    assert_eq!(outcome("POST", path, &[cbor], ""), "cloudwatch:ListMetrics RpcV2Cbor");
    let path = "/a/b/service/com.amazonaws.GraniteServiceVersion20100801/operation/ListMetrics";
    assert_eq!(outcome("POST", path, &[cbor], ""), "cloudwatch:ListMetrics RpcV2Cbor");
    let unknown = "UnknownOperationException 404 Protocol(RpcV2Cbor)";
    assert_eq!(outcome("GET", path, &[cbor], ""), unknown);
    assert_eq!(outcome("POST", path, &[cbor, ("x-amz-target", "a.b")], ""), unknown);
    assert_eq!(outcome("POST", "/service/Nobody/operation/X", &[cbor], ""), unknown);
    assert_eq!(outcome("POST", "/operation/X", &[cbor], ""), unknown);
}

#[test]
fn json_is_found_by_its_target() {
    let json = ("content-type", "application/x-amz-json-1.1");
    let target = |target| [("x-amz-target", target), json];
    assert_eq!(outcome("POST", "/", &target("AmazonSQS.SendMessage"), "{}"), "sqs:SendMessage AwsJson10");
    let path = &target("GraniteServiceVersion20100801.ListMetrics");
    assert_eq!(outcome("POST", "/", path, "{}"), "cloudwatch:ListMetrics AwsJson10");
    let unknown = "UnknownOperationException 400 Protocol(AwsJson10)";
    assert_eq!(outcome("POST", "/", &target("AmazonSQS.Fly"), "{}"), unknown);
    let unknown = "UnknownOperationException 400 Protocol(AwsJson11)";
    assert_eq!(outcome("POST", "/", &target("DynamoDB_20120810.PutItem"), "{}"), unknown);
    assert_eq!(outcome("POST", "/", &target(""), "{}"), unknown);
}

#[test]
fn a_target_may_come_with_cbor() {
    let call =
        |target, content| outcome("POST", "/", &[("x-amz-target", target), ("content-type", content)], "");
    let (put, cbor) = ("Kinesis_20131202.PutRecord", "application/x-amz-cbor-1.1");
    assert_eq!(call(put, cbor), "kinesis:PutRecord AwsCbor11");
    assert_eq!(call(put, "application/x-amz-json-1.1"), "kinesis:PutRecord AwsJson11");
    let unknown = "UnknownOperationException 400 Protocol(AwsCbor11)";
    assert_eq!(call("Kinesis_20131202.Fly", cbor), unknown);
    // Only where the service speaks it.
    assert_eq!(call("AmazonSQS.SendMessage", cbor), unknown);
}

#[test]
fn query_is_found_by_its_action_and_version() {
    let call = |body: &str| outcome("POST", "/", &[FORM], body);
    assert_eq!(call("Action=GetRole&Version=2010-05-08&RoleName=r"), "iam:GetRole AwsQuery");
    assert_eq!(call("Version=2012-11-05&Action=SendMessage"), "sqs:SendMessage AwsQuery");
    assert_eq!(call("Action=ListMetrics"), "cloudwatch:ListMetrics AwsQuery");
    assert_eq!(call("Action=GetRole&Version=1999-01-01"), "InvalidAction 400 Protocol(AwsQuery)");
    assert_eq!(call("Action=Fly&Version=2010-05-08"), "InvalidAction 400 Protocol(AwsQuery)");
    assert_eq!(call("Action=Fly"), "InvalidAction 400 Protocol(AwsQuery)");
    assert_eq!(outcome("GET", "/?Action=GetRole&Version=2010-05-08", &[], ""), "iam:GetRole AwsQuery");
    let queue = outcome("POST", "/000000000000/q", &[FORM], "Action=SendMessage&Version=2012-11-05");
    assert_eq!(queue, "sqs:SendMessage AwsQuery");
}

#[test]
fn a_request_to_a_queues_own_url_is_about_that_queue() {
    let labels = |method: &str, uri: &str, body: &str| resolve(method, uri, &[FORM], body).unwrap().labels;
    let form = "Action=SendMessage&Version=2012-11-05";
    let queue = vec![("QueueUrl", "/000000000000/q".to_owned())];
    assert_eq!(labels("POST", "/000000000000/q", form), queue);
    assert_eq!(labels("GET", &format!("/000000000000/q?{form}"), ""), queue);
    assert_eq!(labels("POST", "/", form), []);
    let target = [("x-amz-target", "AmazonSQS.SendMessage")];
    assert_eq!(resolve("POST", "/000000000000/q", &target, "{}").unwrap().labels, queue);
    // A path of a REST service that has a parameter called Action is not meant.
    assert_ne!(
        outcome("GET", "/2015-03-31/functions/f?Action=SendMessage", &[], ""),
        "sqs:SendMessage AwsQuery"
    );
}

#[test]
fn the_signing_name_decides_before_the_version() {
    let sns = signed("sns");
    let headers = [FORM, ("authorization", sns.as_str())];
    let error = resolve("POST", "/", &headers, "Action=GetRole&Version=2010-05-08").unwrap_err();
    assert_eq!(error.error.code(), "InvalidAction");
    assert_eq!(error.error.message(), Some("The service sns is not implemented by Lambent yet."));
    let iam = signed("iam");
    let headers = [FORM, ("authorization", iam.as_str())];
    assert_eq!(outcome("POST", "/", &headers, "Action=GetRole"), "iam:GetRole AwsQuery");
    assert_eq!(outcome("POST", "/", &headers, ""), "MissingAction 400 Protocol(AwsQuery)");
}

#[test]
fn rest_is_found_by_its_path() {
    let path =
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-3%3A000000000000%3Afunction%3Af/invocations";
    let route = resolve("POST", path, &[], "{}").unwrap();
    assert_eq!((route.operation.name, route.protocol), ("Invoke", Protocol::RestJson1));
    let name = "arn:aws:lambda:eu-west-3:000000000000:function:f".to_owned();
    assert_eq!(route.labels, [("FunctionName", name)]);

    let lambda = signed("lambda");
    let headers = [("authorization", lambda.as_str())];
    assert_eq!(outcome("GET", "/2015-03-31/functions/f", &headers, ""), "lambda:GetFunction RestJson1");
    let unknown = "UnknownOperationException 404 Protocol(RestJson1)";
    assert_eq!(outcome("GET", "/2015-03-31/nothing", &headers, ""), unknown);
    assert_eq!(outcome("PATCH", "/2015-03-31/functions/f", &headers, ""), unknown);
}

#[test]
fn what_nobody_serves_is_said_in_the_words_of_its_protocol() {
    let s3 = signed("s3");
    let headers = [("authorization", s3.as_str())];
    assert_eq!(outcome("PUT", "/bucket/key", &headers, ""), "NotImplemented 501 S3");
    let presigned = "/bucket/key?X-Amz-Credential=test%2F20200101%2Feu-west-3%2Fs3%2Faws4_request";
    assert_eq!(outcome("GET", presigned, &[], ""), "NotImplemented 501 S3");
    let xray = signed("xray");
    let unknown = "UnknownOperationException 404 Protocol(RestJson1)";
    assert_eq!(outcome("POST", "/TraceSegments", &[("authorization", xray.as_str())], "{}"), unknown);
    let missing = "MissingAuthenticationTokenException 403 Protocol(RestJson1)";
    assert_eq!(outcome("GET", "/bucket/key", &[], ""), missing);
    assert_eq!(outcome("GET", "/", &[("authorization", "Bearer x")], ""), missing);
}
