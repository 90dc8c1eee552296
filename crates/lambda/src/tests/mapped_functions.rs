//! Batches that functions really run, as pollers hand them over.

use std::time::Duration;

use api_lambda::*;
use bytes::Bytes;
use event_source::{Batch, Functions, Invoked, Ran};
use ids::{Arn, FunctionArn};

use super::functions::{delete, publish};
use super::harness::{ARN, Harness, ROLE, context, idle, python};
use super::mapping_requests::QUEUE;
use crate::lineage::Hash;

const ECHO: &str = "
import os
def handler(event, context):
    return [event, context.invoked_function_arn, os.environ['_X_AMZN_TRACE_ID']]
";

fn arn(name: &str) -> FunctionArn {
    FunctionArn::parse(&format!("{ARN}:{name}")).unwrap()
}

fn batch(name: &str, headers: &[String]) -> Batch {
    Batch {
        function: arn(name),
        payload: Bytes::from_static(b"{\"Records\": []}"),
        source: Arn::parse(QUEUE).unwrap(),
        trace_headers: headers.to_vec(),
    }
}

async fn invoke(harness: &Harness, batch: Batch) -> Invoked {
    Functions::invoke(&harness.lambda, batch).await
}

async fn run(harness: &Harness, batch: Batch) -> Ran {
    match invoke(harness, batch).await {
        Invoked::Ran(ran) => *ran,
        other => panic!("{other:?}"),
    }
}

/// What [`ECHO`] returns.
fn echoed(ran: &Ran) -> (serde_json::Value, String, String) {
    assert_eq!(ran.error, None);
    serde_json::from_slice(&ran.payload).unwrap()
}

/// A chain of requests that has been here this often.
fn chain(name: &str, times: u32) -> String {
    let mut header = format!("Root=1-{times:08x}-000000000000000000000000;Parent=0000000000000001;Sampled=0");
    for _ in 0..times {
        header = Hash::of(&arn(name)).count(&header);
    }
    header
}

#[tokio::test]
async fn a_batch_is_an_invocation_like_others() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    let ran = run(&harness, batch("f", &[])).await;
    let (event, invoked, trace) = echoed(&ran);
    assert_eq!((event, invoked), (serde_json::json!({ "Records": [] }), format!("{ARN}:f")));
    assert!(trace.starts_with("Root=1-") && trace.contains(";Lineage="), "{trace}");
    assert_eq!((ran.executed_version.as_str(), ran.attempted.version.as_str()), ("$LATEST", "$LATEST"));
    assert!(ids::RequestId::parse(&ran.request_id).is_some() && ran.attempted.cold);
    assert_eq!(harness.seen.values("Invocations", &["FunctionName=f"]), [1.0]);
    let failing = python("g", "def handler(event, context): raise ValueError('no')");
    harness.create(failing).await;
    let ran = run(&harness, batch("g", &[])).await;
    assert_eq!(ran.error, Some(("ValueError".to_owned(), "no".to_owned())));
    assert_eq!(harness.seen.values("Errors", &["FunctionName=g"]), [1.0]);
}

#[tokio::test]
async fn the_version_is_the_one_that_the_alias_leads_to_now() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "$LATEST".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    assert_eq!(run(&harness, batch("f:live", &[])).await.executed_version, "$LATEST");
    let update = UpdateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: Some("1".to_owned()),
        ..UpdateAliasRequest::default()
    };
    harness.lambda.update_alias(&context(), update).await.unwrap();
    let ran = run(&harness, batch("f:live", &[])).await;
    assert_eq!((ran.executed_version.as_str(), echoed(&ran).1), ("1", format!("{ARN}:f:live")));
    delete(&harness, "f", None).await.unwrap();
    assert!(matches!(invoke(&harness, batch("f:live", &[])).await, Invoked::Gone));
    assert!(harness.lambda.function(&arn("f:live")).await.unwrap().is_none());
}

#[tokio::test]
async fn without_concurrency_a_batch_is_throttled() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    let none =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 0 };
    harness.lambda.put_function_concurrency(&context(), none).await.unwrap();
    assert!(matches!(invoke(&harness, batch("f", &[])).await, Invoked::Throttled));
    assert_eq!(harness.seen.values("Throttles", &["FunctionName=f"]), [1.0]);
}

#[tokio::test]
async fn records_that_have_come_too_often_stop_a_batch_and_are_named() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    let (fresh, worn, looping) = (chain("f", 0), chain("f", 15), chain("f", 16));
    let headers = [fresh.clone(), looping.clone(), worn.clone(), looping.clone()];
    let Invoked::LoopStopped { headers } = invoke(&harness, batch("f", &headers)).await else {
        panic!("a loop is not stopped")
    };
    assert_eq!(headers, [looping.clone(), looping.clone()]);
    assert_eq!(harness.seen.values("RecursiveInvocationsDropped", &["FunctionName=f"]), [1.0]);
    assert_eq!(harness.seen.values("Invocations", &["FunctionName=f"]), [0.0; 0]);
    // Without it the rest runs, in the chain that is closest to a loop.
    let ran = run(&harness, batch("f", &[fresh, worn.clone(), chain("g", 16)])).await;
    assert_eq!(echoed(&ran).2, Hash::of(&arn("f")).count(&worn));
    let allow = PutFunctionRecursionConfigRequest {
        function_name: "f".to_owned(),
        recursive_loop: RecursiveLoop::Allow,
    };
    harness.lambda.put_function_recursion_config(&context(), allow).await.unwrap();
    run(&harness, batch("f", &[looping])).await;
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_not_handed_over() {
    let harness = Harness::new().await;
    harness.create(python("f", ECHO)).await;
    let payload = Bytes::from(format!("\"{}\"", "x".repeat(6 * 1024 * 1024)));
    let Invoked::SystemError(cause) = invoke(&harness, Batch { payload, ..batch("f", &[]) }).await else {
        panic!("it was handed over")
    };
    assert!(cause.contains("payload is too large"), "{cause}");
}

#[tokio::test]
async fn pollers_hear_of_the_timeout_the_role_and_where_figures_count() {
    let harness = Harness::new().await;
    harness.create(CreateFunctionRequest { timeout: Some(7), ..idle("f") }).await;
    publish(&harness, "f", None).await;
    let longer = UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        timeout: Some(9),
        ..UpdateFunctionConfigurationRequest::default()
    };
    harness.lambda.update_function_configuration(&context(), longer).await.unwrap();
    harness.settled("f").await;
    let version = publish(&harness, "f", None).await;
    let weights = [(version.version.unwrap(), 0.5)].into();
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "both".to_owned(),
        function_version: "1".to_owned(),
        routing_config: Some(AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    for (name, timeout_s) in [("f", 9), ("f:1", 7), ("f:both", 9)] {
        let info = harness.lambda.function(&arn(name)).await.unwrap().unwrap();
        assert_eq!((info.timeout, info.role.as_str()), (Duration::from_secs(timeout_s), ROLE), "{name}");
        let dimensions = &info.metrics.dimensions;
        let resource = vec![("FunctionName", "f".to_owned()), ("Resource", name.to_owned())];
        assert!(dimensions.contains(&resource), "{dimensions:?}");
    }
    // What cannot be run now has them as well.
    harness.lose_packages();
    harness.lambda.changed(&crate::function::FunctionReference::of(&arn("f")).key);
    assert!(matches!(invoke(&harness, batch("f", &[])).await, Invoked::SystemError(_)));
    let info = harness.lambda.function(&arn("f")).await.unwrap().unwrap();
    assert_eq!((info.timeout, info.role.as_str()), (Duration::from_secs(9), ROLE));
}
