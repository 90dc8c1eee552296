//! The account's limits and what of them is used, and how runtimes are updated.

use api_lambda::{
    GetAccountSettingsRequest, GetRuntimeManagementConfigRequest, Lambda as _, PutFunctionConcurrencyRequest,
    PutRuntimeManagementConfigRequest, UpdateRuntimeOn,
};

use crate::harness::{Harness, INVALID, NOT_FOUND, context, refused};

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_usage_are_what_they_are() {
    let harness = Harness::new().await;
    let (lambda, context_of_other) = (&harness.lambda, context("111111111111"));
    let code = harness.function("f").await.code_size.unwrap();
    harness.function("g").await;
    harness.version("f").await;
    let layer = harness.layer("l", |_| {}).await.content.unwrap().code_size.unwrap();
    let input =
        PutFunctionConcurrencyRequest { function_name: "f".to_owned(), reserved_concurrent_executions: 30 };
    lambda.put_function_concurrency(&harness.context, input).await.unwrap();

    let settings = lambda.get_account_settings(&harness.context, GetAccountSettingsRequest {}).await.unwrap();
    let limit = settings.account_limit.unwrap();
    assert_eq!(limit.total_code_size, Some(322_122_547_200));
    assert_eq!(limit.code_size_unzipped, Some(262_144_000));
    assert_eq!(limit.code_size_zipped, Some(52_428_800));
    assert_eq!(limit.concurrent_executions, Some(1_000));
    assert_eq!(limit.unreserved_concurrent_executions, Some(970));
    let usage = settings.account_usage.unwrap();
    assert_eq!(usage.function_count, Some(2));
    assert_eq!(usage.total_code_size, Some(3 * code + layer));

    let settings =
        lambda.get_account_settings(&context_of_other, GetAccountSettingsRequest {}).await.unwrap();
    assert_eq!(settings.account_usage.unwrap().function_count, Some(0));
    assert_eq!(settings.account_limit.unwrap().unreserved_concurrent_executions, Some(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn runtimes_are_updated_with_the_host_and_not_otherwise() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let arn = "arn:aws:lambda:eu-central-1:000000000000:function:f";
    let put = |update_runtime_on: UpdateRuntimeOn| PutRuntimeManagementConfigRequest {
        function_name: "f".to_owned(),
        update_runtime_on,
        ..PutRuntimeManagementConfigRequest::default()
    };
    let (lambda, context) = (&harness.lambda, &harness.context);
    let answer = lambda.put_runtime_management_config(context, put(UpdateRuntimeOn::Auto)).await.unwrap();
    assert_eq!((answer.update_runtime_on, answer.function_arn.as_str()), (UpdateRuntimeOn::Auto, arn));
    for (other, name) in
        [(UpdateRuntimeOn::FunctionUpdate, "FunctionUpdate"), (UpdateRuntimeOn::Manual, "Manual")]
    {
        let message = format!("UpdateRuntimeOn {name} is not supported by Lambent yet.");
        refused(lambda.put_runtime_management_config(context, put(other)), INVALID, &message).await;
    }
    let get =
        |name: &str| GetRuntimeManagementConfigRequest { function_name: name.to_owned(), qualifier: None };
    let answer = lambda.get_runtime_management_config(context, get("f")).await.unwrap();
    assert_eq!(answer.update_runtime_on, Some(UpdateRuntimeOn::Auto));
    let missing = "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:g";
    refused(lambda.get_runtime_management_config(context, get("g")), NOT_FOUND, missing).await;
}
