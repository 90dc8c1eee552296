//! What tools ask about every function, and of which there is nothing yet.

use api_lambda::{
    GetFunctionCodeSigningConfigRequest, GetFunctionEventInvokeConfigRequest, GetFunctionUrlConfigRequest,
    Lambda as _, ListEventSourceMappingsRequest, ListFunctionEventInvokeConfigsRequest,
    ListFunctionUrlConfigsRequest,
};

use crate::harness::{Harness, NOT_FOUND, refused};

const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function";

#[tokio::test(flavor = "multi_thread")]
async fn a_function_has_no_code_signing_config() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let get = |name: &str| GetFunctionCodeSigningConfigRequest { function_name: name.to_owned() };
    let answer = harness.lambda.get_function_code_signing_config(&harness.context, get("f")).await.unwrap();
    assert_eq!((answer.function_name.as_str(), answer.code_signing_config_arn.as_str()), ("f", ""));
    let answer = harness.lambda.get_function_code_signing_config(&harness.context, get("g"));
    refused(answer, NOT_FOUND, &format!("Function not found: {ARN}:g")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_event_source_mappings() {
    let harness = Harness::new().await;
    harness.function("f").await;
    for function_name in [None, Some("f".to_owned())] {
        let input = ListEventSourceMappingsRequest { function_name, ..Default::default() };
        let answer = harness.lambda.list_event_source_mappings(&harness.context, input).await.unwrap();
        assert_eq!(answer.event_source_mappings, Some(Vec::new()));
    }
    let input = ListEventSourceMappingsRequest { function_name: Some("g".to_owned()), ..Default::default() };
    let answer = harness.lambda.list_event_source_mappings(&harness.context, input);
    refused(answer, NOT_FOUND, &format!("Function not found: {ARN}:g")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_event_invoke_configs() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    for (qualifier, shown) in [(None, "$LATEST"), (Some("live"), "live")] {
        let input = GetFunctionEventInvokeConfigRequest {
            function_name: "f".to_owned(),
            qualifier: qualifier.map(str::to_owned),
        };
        let message = format!("The function {ARN}:f:{shown} doesn't have an EventInvokeConfig");
        refused(lambda.get_function_event_invoke_config(context, input), NOT_FOUND, &message).await;
    }
    let list = |name: &str| ListFunctionEventInvokeConfigsRequest {
        function_name: name.to_owned(),
        ..Default::default()
    };
    let answer = lambda.list_function_event_invoke_configs(context, list("f")).await.unwrap();
    assert_eq!(answer.function_event_invoke_configs, Some(Vec::new()));
    let answer = lambda.list_function_event_invoke_configs(context, list("g"));
    refused(answer, NOT_FOUND, "The function doesn't exist.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_function_urls() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let input = GetFunctionUrlConfigRequest { function_name: "f".to_owned(), qualifier: None };
    let nothing = "The resource you requested does not exist.";
    refused(lambda.get_function_url_config(context, input), NOT_FOUND, nothing).await;
    let list =
        |name: &str| ListFunctionUrlConfigsRequest { function_name: name.to_owned(), ..Default::default() };
    let answer = lambda.list_function_url_configs(context, list("f")).await.unwrap();
    assert_eq!(answer.function_url_configs, Vec::new());
    refused(lambda.list_function_url_configs(context, list("g")), NOT_FOUND, "Function does not exist").await;
}
