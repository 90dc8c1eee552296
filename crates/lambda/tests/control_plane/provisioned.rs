//! Provisioned concurrency, with environments that really start.

use api_lambda::{
    AliasRoutingConfiguration, Context, CreateAliasRequest, CreateFunctionRequest, DeleteAliasRequest,
    DeleteFunctionRequest, DeleteProvisionedConcurrencyConfigRequest, GetProvisionedConcurrencyConfigRequest,
    GetProvisionedConcurrencyConfigResponse, InvocationRequest, Lambda as _,
    ListProvisionedConcurrencyConfigsRequest, ProvisionedConcurrencyStatusEnum as Status,
    PutFunctionConcurrencyRequest, PutProvisionedConcurrencyConfigRequest, UpdateAliasRequest,
    UpdateFunctionCodeRequest,
};
use ids::FunctionArn;

use crate::harness::{
    CONFLICT, Harness, INVALID, NOT_FOUND, NOW_TEXT, eventually, function_input, refused, zip,
};

const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:f";
const UNPUBLISHED: &str =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
const NOT_POSSIBLE: &str = "The function resource provided must be an alias or a published version.";
const NONE: &str = "No Provisioned Concurrency Config found for this function";
const NONE_CODE: &str = "ProvisionedConcurrencyConfigNotFoundException";

/// A runtime that answers with how it was initialized.
const PROGRAM: &str = "
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
while True:
    api.request('GET', '/2018-06-01/runtime/invocation/next')
    answer = api.getresponse()
    answer.read()
    id = answer.getheader('Lambda-Runtime-Aws-Request-Id')
    how = os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] + ' ' + os.environ['AWS_LAMBDA_FUNCTION_VERSION']
    api.request('POST', '/2018-06-01/runtime/invocation/' + id + '/response', '\"' + how + '\"')
    api.getresponse().read()
";

/// The bootstrap in the host's Python, or `None`, loudly.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn bootstrap() -> Option<String> {
    let asked =
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    match asked {
        Ok(output) if output.status.success() => {
            let python = String::from_utf8(output.stdout).unwrap();
            Some(format!("#!{}\n{PROGRAM}", python.trim()))
        }
        _ => {
            eprintln!("SKIPPED: this host has no python3");
            None
        }
    }
}

/// A function that was published as versions 1 and 2, with an alias `live` of 1.
async fn harness() -> Option<Harness> {
    let bootstrap = bootstrap()?;
    let harness = Harness::new().await;
    harness.function_of("f", &bootstrap, Vec::new()).await;
    harness.version("f").await;
    let code = zip(&[("bootstrap", bootstrap.as_bytes()), ("changed", b"")]);
    let input = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: Some(code),
        publish: Some(true),
        ..UpdateFunctionCodeRequest::default()
    };
    let updated = harness.lambda.update_function_code(&harness.context, input).await.unwrap();
    assert_eq!(updated.version.as_deref(), Some("2"));
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&harness.context, alias).await.unwrap();
    Some(harness)
}

fn put(qualifier: &str, provisioned_concurrent_executions: i32) -> PutProvisionedConcurrencyConfigRequest {
    PutProvisionedConcurrencyConfigRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.to_owned(),
        provisioned_concurrent_executions,
    }
}

fn get(qualifier: &str) -> GetProvisionedConcurrencyConfigRequest {
    GetProvisionedConcurrencyConfigRequest { function_name: "f".to_owned(), qualifier: qualifier.to_owned() }
}

fn delete(qualifier: &str) -> DeleteProvisionedConcurrencyConfigRequest {
    DeleteProvisionedConcurrencyConfigRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.to_owned(),
    }
}

async fn ready(harness: &Harness, qualifier: &str) -> GetProvisionedConcurrencyConfigResponse {
    eventually("it is ready", async || {
        let input = get(qualifier);
        let now = harness.lambda.get_provisioned_concurrency_config(&harness.context, input).await.unwrap();
        assert_ne!(now.status, Some(Status::Failed), "{now:?}");
        (now.status == Some(Status::Ready)).then_some(now)
    })
    .await
}

/// Until the invoker keeps so many environments of a version.
async fn provisioned(harness: &Harness, version: &str, count: u32) {
    let arn = FunctionArn::parse(&format!("{ARN}:{version}")).unwrap();
    eventually("environments are as many as wanted", async || {
        let now = harness.parts.invoker.provisioned(&arn);
        (now.available == count && now.allocated == count).then_some(())
    })
    .await;
}

async fn environments(harness: &Harness, count: u32) {
    eventually("no more environments are left", async || {
        let accounts = harness.parts.invoker.concurrency();
        let all =
            accounts.iter().flat_map(|account| &account.functions).map(|function| function.environments);
        (all.sum::<u32>() == count).then_some(())
    })
    .await;
}

async fn invoke(harness: &Harness, context: &Context, qualifier: &str) -> String {
    let input = InvocationRequest {
        function_name: "f".to_owned(),
        qualifier: Some(qualifier.to_owned()),
        ..InvocationRequest::default()
    };
    let answer = harness.lambda.invoke(context, input).await.unwrap();
    String::from_utf8(answer.payload.unwrap().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_started_kept_and_ended() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    let input = get("1");
    refused(lambda.get_provisioned_concurrency_config(context, input), NONE_CODE, NONE).await;
    let answer = lambda.put_provisioned_concurrency_config(context, put("1", 2)).await.unwrap();
    assert_eq!(answer.status, Some(Status::InProgress));
    assert_eq!(answer.requested_provisioned_concurrent_executions, Some(2));
    assert_eq!(answer.available_provisioned_concurrent_executions, Some(0));
    assert_eq!(answer.allocated_provisioned_concurrent_executions, Some(0));
    assert_eq!(answer.last_modified.as_deref(), Some(NOW_TEXT));

    let now = ready(&harness, "1").await;
    assert_eq!(now.requested_provisioned_concurrent_executions, Some(2));
    assert_eq!(now.available_provisioned_concurrent_executions, Some(2));
    assert_eq!(now.allocated_provisioned_concurrent_executions, Some(2));
    assert_eq!(now.last_modified.as_deref(), Some(NOW_TEXT));
    assert_eq!(invoke(&harness, context, "1").await, "\"provisioned-concurrency 1\"");

    lambda.put_provisioned_concurrency_config(context, put("1", 1)).await.unwrap();
    provisioned(&harness, "1", 1).await;
    lambda.delete_provisioned_concurrency_config(context, delete("1")).await.unwrap();
    refused(lambda.get_provisioned_concurrency_config(context, get("1")), NONE_CODE, NONE).await;
    environments(&harness, 0).await;
    // Deleting what is not there is no error.
    lambda.delete_provisioned_concurrency_config(context, delete("1")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn they_follow_an_alias() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    lambda.put_provisioned_concurrency_config(context, put("live", 1)).await.unwrap();
    ready(&harness, "live").await;
    provisioned(&harness, "1", 1).await;
    assert_eq!(invoke(&harness, context, "live").await, "\"provisioned-concurrency 1\"");

    let input = UpdateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: Some("2".to_owned()),
        ..UpdateAliasRequest::default()
    };
    lambda.update_alias(context, input).await.unwrap();
    provisioned(&harness, "1", 0).await;
    provisioned(&harness, "2", 1).await;
    assert_eq!(ready(&harness, "live").await.available_provisioned_concurrent_executions, Some(1));
    assert_eq!(invoke(&harness, context, "live").await, "\"provisioned-concurrency 2\"");

    let to_latest = UpdateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: Some("$LATEST".to_owned()),
        ..UpdateAliasRequest::default()
    };
    refused(lambda.update_alias(context, to_latest), INVALID, UNPUBLISHED).await;

    let input = DeleteAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
    lambda.delete_alias(context, input).await.unwrap();
    environments(&harness, 0).await;
    assert_eq!(harness.rows("lambda-provisioned").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_started_again_after_a_restart() {
    let Some(harness) = harness().await else { return };
    harness.lambda.put_provisioned_concurrency_config(&harness.context, put("live", 1)).await.unwrap();
    harness.lambda.put_provisioned_concurrency_config(&harness.context, put("2", 1)).await.unwrap();
    ready(&harness, "live").await;
    ready(&harness, "2").await;
    let harness = harness.restarted();
    ready(&harness, "live").await;
    ready(&harness, "2").await;
    assert_eq!(invoke(&harness, &harness.context, "live").await, "\"provisioned-concurrency 1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_end_with_the_function() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    for qualifier in ["live", "2"] {
        lambda.put_provisioned_concurrency_config(context, put(qualifier, 1)).await.unwrap();
        ready(&harness, qualifier).await;
    }
    invoke(&harness, context, "$LATEST").await;
    let delete = |qualifier: Option<&str>| DeleteFunctionRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    lambda.delete_function(context, delete(Some("2"))).await.unwrap();
    environments(&harness, 2).await;
    assert_eq!(harness.rows("lambda-provisioned").await, 1);
    // A deletion while environments are being started ends these too.
    lambda.put_provisioned_concurrency_config(context, put("live", 3)).await.unwrap();
    lambda.delete_function(context, delete(None)).await.unwrap();
    environments(&harness, 0).await;
    assert_eq!(harness.rows("lambda-provisioned").await, 0);
    let accounts = harness.parts.invoker.concurrency();
    assert_eq!(accounts[0].unreserved, 1_000, "nothing is set aside any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_ready_yet_is_provisioned_once_it_is() {
    let Some(bootstrap) = bootstrap() else { return };
    let harness = Harness::new().await;
    let input = function_input("f", &bootstrap, Vec::new());
    let input = CreateFunctionRequest { publish: Some(true), ..input };
    let created = harness.lambda.create_function(&harness.context, input).await.unwrap();
    assert_eq!(created.state_reason_code, Some("Creating".into()));
    harness.lambda.put_provisioned_concurrency_config(&harness.context, put("1", 1)).await.unwrap();
    ready(&harness, "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_has_failed() {
    let Some(_python) = bootstrap() else { return };
    let harness = Harness::new().await;
    harness.function_of("f", "#!/bin/sh\nexit 7\n", Vec::new()).await;
    harness.version("f").await;
    harness.lambda.put_provisioned_concurrency_config(&harness.context, put("1", 1)).await.unwrap();
    let failed = eventually("it has failed", async || {
        let now =
            harness.lambda.get_provisioned_concurrency_config(&harness.context, get("1")).await.unwrap();
        (now.status == Some(Status::Failed)).then_some(now)
    })
    .await;
    assert_eq!(failed.status_reason.as_deref(), Some("Runtime.ExitError"));
    assert_eq!(failed.available_provisioned_concurrent_executions, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_each_and_page() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    for (qualifier, count) in [("live", 1), ("2", 2)] {
        lambda.put_provisioned_concurrency_config(context, put(qualifier, count)).await.unwrap();
        ready(&harness, qualifier).await;
    }
    let two = format!("{ARN}:2 2 READY");
    let live = format!("{ARN}:live 1 READY");
    for (max_items, pages) in [
        (None, vec![vec![two.clone(), live.clone()]]),
        (Some(1), vec![vec![two.clone()], vec![live.clone()]]),
        (Some(2), vec![vec![two.clone(), live.clone()]]),
    ] {
        let mut marker = None;
        for page in pages {
            let input = ListProvisionedConcurrencyConfigsRequest {
                function_name: "f".to_owned(),
                marker: marker.take(),
                max_items,
            };
            let answer = lambda.list_provisioned_concurrency_configs(context, input).await.unwrap();
            let items = answer.provisioned_concurrency_configs.unwrap().into_iter().map(|item| {
                let (arn, status) = (item.function_arn.unwrap(), item.status.unwrap());
                format!(
                    "{arn} {} {}",
                    item.available_provisioned_concurrent_executions.unwrap(),
                    status.as_str()
                )
            });
            assert_eq!(items.collect::<Vec<_>>(), page);
            marker = answer.next_marker;
        }
        assert_eq!(marker, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_provisioned_is_refused_in_aws_words() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    let not_found = |qualifier: &str| format!("Function not found: {ARN}:{qualifier}");
    let no_alias = format!("Cannot find alias arn: {ARN}:dead");
    let too_many = "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency \
                    [1000].";
    let too_little = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                      below its minimum value of [100].";
    for (qualifier, count, code, message) in [
        ("$LATEST", 1, INVALID, UNPUBLISHED.to_owned()),
        ("7", 1, NOT_FOUND, not_found("7")),
        ("dead", 1, NOT_FOUND, no_alias.clone()),
        ("1", 1_001, INVALID, too_many.to_owned()),
        ("1", 901, INVALID, too_little.to_owned()),
    ] {
        let answer = lambda.put_provisioned_concurrency_config(context, put(qualifier, count));
        refused(answer, code, &message).await;
    }
    for (qualifier, code, message) in [
        ("$LATEST", INVALID, NOT_POSSIBLE.to_owned()),
        ("7", NOT_FOUND, not_found("7")),
        ("dead", NOT_FOUND, no_alias),
    ] {
        refused(lambda.get_provisioned_concurrency_config(context, get(qualifier)), code, &message).await;
        refused(lambda.delete_provisioned_concurrency_config(context, delete(qualifier)), code, &message)
            .await;
    }
    let input =
        ListProvisionedConcurrencyConfigsRequest { function_name: "g".to_owned(), ..Default::default() };
    let missing = "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:g";
    refused(lambda.list_provisioned_concurrency_configs(context, input), NOT_FOUND, missing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_provisioned_is_part_of_what_is_reserved() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    let reserve = |reserved_concurrent_executions| PutFunctionConcurrencyRequest {
        function_name: "f".to_owned(),
        reserved_concurrent_executions,
    };
    lambda.put_function_concurrency(context, reserve(3)).await.unwrap();
    lambda.put_provisioned_concurrency_config(context, put("1", 2)).await.unwrap();
    let message = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for \
                   function";
    let answer = lambda.put_provisioned_concurrency_config(context, put("2", 2));
    refused(answer, INVALID, message).await;
    lambda.put_provisioned_concurrency_config(context, put("2", 1)).await.unwrap();
    let message = " ReservedConcurrentExecutions  2 should not be lower than function's total provisioned \
                   concurrency [3].";
    refused(lambda.put_function_concurrency(context, reserve(2)), INVALID, message).await;
    // The same version with as many as before takes no more.
    lambda.put_provisioned_concurrency_config(context, put("1", 2)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_provisioned_for_itself_or_for_one_alias() {
    let Some(harness) = harness().await else { return };
    let (lambda, context) = (&harness.lambda, &harness.context);
    lambda.put_provisioned_concurrency_config(context, put("live", 1)).await.unwrap();
    let answer = lambda.put_provisioned_concurrency_config(context, put("1", 1));
    refused(answer, CONFLICT, "Version is pointed by a Provisioned Concurrency alias").await;
    lambda.delete_provisioned_concurrency_config(context, delete("live")).await.unwrap();
    lambda.put_provisioned_concurrency_config(context, put("1", 1)).await.unwrap();
    let message =
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version";
    refused(lambda.put_provisioned_concurrency_config(context, put("live", 1)), CONFLICT, message).await;

    let weights = [("2".to_owned(), 0.5)].into();
    let weighted = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "weighted".to_owned(),
        function_version: "1".to_owned(),
        routing_config: Some(AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        ..CreateAliasRequest::default()
    };
    lambda.create_alias(context, weighted).await.unwrap();
    let message = "Alias with weights can not be used with Provisioned Concurrency";
    refused(lambda.put_provisioned_concurrency_config(context, put("weighted", 1)), INVALID, message).await;
    let latest = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "latest".to_owned(),
        function_version: "$LATEST".to_owned(),
        ..CreateAliasRequest::default()
    };
    lambda.create_alias(context, latest).await.unwrap();
    refused(lambda.put_provisioned_concurrency_config(context, put("latest", 1)), INVALID, UNPUBLISHED).await;
}
