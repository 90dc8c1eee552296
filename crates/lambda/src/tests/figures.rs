//! What invocations count for, and the stories of synchronous ones.

use std::collections::BTreeMap;

use api_lambda::*;
use targets::{SampleGauges, What};

use super::functions::publish;
use super::harness::{Harness, context, python, told};

/// Fails when the event is true.
const SOURCE: &str = "
def handler(event, context):
    if event: raise ValueError('no')
";

const ALL: [&[&str]; 3] = [&["FunctionName=f"], &["FunctionName=f", "Resource=f"], &[]];

#[tokio::test]
async fn an_invocation_counts_for_its_function_its_resource_and_its_account() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    harness.invoke("f", "false").await.unwrap();
    harness.invoke("f", "true").await.unwrap();
    for dimensions in ALL {
        let values = |name: &str| harness.seen.values(name, dimensions);
        assert_eq!(values("Invocations"), [1.0, 1.0], "{dimensions:?}");
        assert_eq!(values("Errors"), [0.0, 1.0]);
        assert_eq!(values("Throttles"), [0.0, 0.0]);
        let durations = values("Duration");
        assert!(
            durations.len() == 2 && durations.iter().all(|one| (0.0..30_000.0).contains(one)),
            "{durations:?}"
        );
        // Once a minute, as long as it is not more.
        let running = values("ConcurrentExecutions");
        assert!((1..=2).contains(&running.len()) && running.iter().all(|one| *one == 1.0), "{running:?}");
        assert_eq!(values("ProvisionedConcurrencyInvocations"), [0.0; 0]);
    }
}

#[tokio::test]
async fn a_throttled_invocation_is_no_invocation() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    let off =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 0 };
    harness.lambda.put_function_concurrency(&context(), off).await.unwrap();
    assert_eq!(told(harness.invoke("f", "false").await).1, 429);
    for dimensions in ALL {
        assert_eq!(harness.seen.values("Throttles", dimensions), [1.0]);
        assert_eq!(harness.seen.values("Invocations", dimensions), [0.0; 0]);
        assert_eq!(harness.seen.values("ConcurrentExecutions", dimensions), [0.0; 0]);
    }
}

#[tokio::test]
async fn both_versions_of_an_alias_count_by_themselves_too() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    publish(&harness, "f", None).await;
    super::functions::update_code(&harness, "f", "new").await;
    harness.settled("f").await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        routing_config: Some(AliasRoutingConfiguration {
            additional_version_weights: Some(BTreeMap::from([("2".to_owned(), 0.0)])),
        }),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    harness.invoke("f:live", "false").await.unwrap();
    let invocations = |dimensions: &[&str]| harness.seen.values("Invocations", dimensions).len();
    assert_eq!(invocations(&["FunctionName=f"]), 1);
    assert_eq!(invocations(&["FunctionName=f", "Resource=f:live"]), 1);
    assert_eq!(invocations(&["FunctionName=f", "Resource=f:live", "ExecutedVersion=1"]), 1);
    assert_eq!(invocations(&["FunctionName=f", "Resource=f"]), 0);
}

#[tokio::test]
async fn the_story_of_a_synchronous_invocation_has_its_caller_its_run_and_its_end() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    for (payload, error, condition) in [("0", None, "Success"), ("1", Some("ValueError"), "FunctionError")] {
        let context = context();
        let request = InvocationRequest {
            function_name: "f".to_owned(),
            payload: Some(payload.into()),
            ..InvocationRequest::default()
        };
        harness.lambda.invoke(&context, request).await.unwrap();
        let story = harness.seen.story(&context.request_id.to_string());
        let [
            What::Accepted { by, from: None, size_bytes: 1 },
            What::Attempted(one),
            What::Ended { condition: found },
        ] = story.as_slice()
        else {
            panic!("{story:?}")
        };
        assert_eq!((by.as_str(), found.as_str()), (context.caller.arn.as_str(), condition));
        assert_eq!((one.number, one.version.as_str(), one.cold), (1, "$LATEST", error.is_none()));
        assert_eq!(one.error.as_ref().map(|(error_type, _)| error_type.as_str()), error);
        assert_eq!(one.log_group, "/aws/lambda/f");
        assert!(one.log_stream.contains("/[$LATEST]"), "{}", one.log_stream);
    }
}

#[tokio::test]
async fn what_is_reserved_is_claimed() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    assert_eq!(harness.lambda.sample().await, []);
    let reserve =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 5 };
    harness.lambda.put_function_concurrency(&context(), reserve).await.unwrap();
    let sampled = harness.lambda.sample().await;
    let [(source, values)] = sampled.as_slice() else { panic!("{sampled:?}") };
    assert_eq!(source.dimensions, [Vec::new()]);
    let value = |name: &str| values.iter().find(|(found, ..)| *found == name).map(|(.., value)| *value);
    assert_eq!(value("ClaimedAccountConcurrency"), Some(5.0));
    assert_eq!(value("UnreservedConcurrentExecutions"), Some(0.0));
}

/// One environment for version 1.
async fn provision(harness: &Harness) {
    let request = PutProvisionedConcurrencyConfigRequest {
        function_name: "f".to_owned(),
        qualifier: "1".to_owned(),
        provisioned_concurrent_executions: 1,
    };
    harness.lambda.put_provisioned_concurrency_config(&context(), request).await.unwrap();
    let ready = async {
        loop {
            let request = GetProvisionedConcurrencyConfigRequest {
                function_name: "f".to_owned(),
                qualifier: "1".to_owned(),
            };
            let config =
                harness.lambda.get_provisioned_concurrency_config(&context(), request).await.unwrap();
            if config.status == Some(ProvisionedConcurrencyStatusEnum::Ready) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    clock::execution_timeout(std::time::Duration::from_secs(60), ready).await.unwrap();
}

#[tokio::test]
async fn what_is_provisioned_has_figures_of_its_own() {
    let harness = Harness::new().await;
    harness.create(python("f", SOURCE)).await;
    publish(&harness, "f", None).await;
    provision(&harness).await;
    harness.invoke("f:1", "false").await.unwrap();
    let dimensions = ["FunctionName=f", "Resource=f:1"];
    assert_eq!(harness.seen.values("ProvisionedConcurrencyInvocations", &dimensions), [1.0]);
    let sampled = harness.lambda.sample().await;
    let of_version = sampled.iter().find(|(source, _)| source.dimensions[0].len() == 2);
    let (_, values) = of_version.unwrap();
    assert!(values.iter().any(|(name, ..)| *name == "ProvisionedConcurrentExecutions"), "{values:?}");
    assert!(values.iter().any(|(name, ..)| *name == "ProvisionedConcurrencyUtilization"), "{values:?}");
}

/// Waits until another invocation runs as well.
const MEETING: &str = "
import os, time
def handler(event, context):
    open(event['mine'], 'w').close()
    while not os.path.exists(event['other']): time.sleep(0.005)
";

#[tokio::test]
async fn what_finds_all_that_is_provisioned_in_use_spills_over() {
    let harness = Harness::new().await;
    harness.create(python("f", MEETING)).await;
    publish(&harness, "f", None).await;
    let spilled = || {
        let dimensions = ["FunctionName=f", "Resource=f:1"];
        let values = |name: &str| harness.seen.values(name, &dimensions);
        let spilled = values("ProvisionedConcurrencySpilloverInvocations");
        (spilled.len(), values("ProvisionedConcurrencyInvocations").len())
    };
    let path = |name: &str| harness.directory.path().join(name).to_str().unwrap().to_owned();
    let event =
        |mine: &str, other: &str| serde_json::json!({ "mine": path(mine), "other": path(other) }).to_string();
    let (one, two) = (event("one", "two"), event("two", "one"));
    let both = async || {
        let (one, two) = tokio::join!(harness.invoke("f:1", &one), harness.invoke("f:1", &two));
        for answer in [one, two] {
            assert_eq!(answer.unwrap().function_error, None);
        }
    };
    both().await;
    assert_eq!(spilled(), (0, 0));
    provision(&harness).await;
    for name in ["one", "two"] {
        std::fs::remove_file(path(name)).unwrap();
    }
    both().await;
    assert_eq!(spilled(), (1, 1));
}
