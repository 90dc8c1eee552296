//! Reserved concurrency.

use api_lambda::{
    DeleteFunctionConcurrencyRequest, DeleteFunctionRequest, GetFunctionConcurrencyRequest,
    GetFunctionRequest, Lambda as _, PutFunctionConcurrencyRequest,
};

use crate::harness::{Harness, INVALID, NOT_FOUND, eventually, refused};

const TOO_LITTLE: &str = "Specified ReservedConcurrentExecutions for function decreases account's \
                          UnreservedConcurrentExecution below its minimum value of [100].";

fn put(name: &str, reserved_concurrent_executions: i32) -> PutFunctionConcurrencyRequest {
    PutFunctionConcurrencyRequest { function_name: name.to_owned(), reserved_concurrent_executions }
}

fn delete(name: &str) -> DeleteFunctionConcurrencyRequest {
    DeleteFunctionConcurrencyRequest { function_name: name.to_owned() }
}

async fn reserved(harness: &Harness, name: &str) -> Option<i32> {
    let input = GetFunctionConcurrencyRequest { function_name: name.to_owned() };
    let answer = harness.lambda.get_function_concurrency(&harness.context, input).await;
    answer.unwrap().reserved_concurrent_executions
}

/// What the invoker leaves to functions without a reservation.
fn unreserved(harness: &Harness) -> Option<u32> {
    harness.parts.invoker.concurrency().first().map(|account| account.unreserved)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_shown_and_told_to_the_invoker() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    assert_eq!(reserved(&harness, "f").await, None);
    let answer = lambda.put_function_concurrency(context, put("f", 7)).await.unwrap();
    assert_eq!(answer.reserved_concurrent_executions, Some(7));
    assert_eq!(reserved(&harness, "f").await, Some(7));
    assert_eq!(unreserved(&harness), Some(993));
    let input = GetFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    let shown = lambda.get_function(context, input).await.unwrap().concurrency.unwrap();
    assert_eq!(shown.reserved_concurrent_executions, Some(7));

    lambda.put_function_concurrency(context, put("f", 0)).await.unwrap();
    assert_eq!(reserved(&harness, "f").await, Some(0), "no invocation at all");
    lambda.put_function_concurrency(context, put("f", 5)).await.unwrap();
    lambda.delete_function_concurrency(context, delete("f")).await.unwrap();
    assert_eq!(reserved(&harness, "f").await, None);
    assert_eq!(unreserved(&harness), Some(1_000));
    lambda.delete_function_concurrency(context, delete("f")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_stay_for_the_others() {
    let harness = Harness::new().await;
    harness.function("f").await;
    harness.function("g").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    refused(lambda.put_function_concurrency(context, put("f", 901)), INVALID, TOO_LITTLE).await;
    lambda.put_function_concurrency(context, put("f", 500)).await.unwrap();
    refused(lambda.put_function_concurrency(context, put("g", 401)), INVALID, TOO_LITTLE).await;
    lambda.put_function_concurrency(context, put("g", 400)).await.unwrap();
    refused(lambda.put_function_concurrency(context, put("f", 501)), INVALID, TOO_LITTLE).await;
    lambda.put_function_concurrency(context, put("f", 499)).await.unwrap();
    assert_eq!(reserved(&harness, "g").await, Some(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_whole_function_that_exists_has_it() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let qualified = "This operation is permitted on Lambda functions only. Aliases and versions do not support this \
                     operation. Please specify either a function name or an unqualified function ARN.";
    refused(lambda.put_function_concurrency(context, put("f:1", 1)), INVALID, qualified).await;
    refused(lambda.delete_function_concurrency(context, delete("f:live")), INVALID, qualified).await;
    let missing = "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:g:$LATEST";
    refused(lambda.put_function_concurrency(context, put("g", 1)), NOT_FOUND, missing).await;
    refused(lambda.delete_function_concurrency(context, delete("g")), NOT_FOUND, missing).await;
    let input = GetFunctionConcurrencyRequest { function_name: "g".to_owned() };
    let missing = "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:g";
    refused(lambda.get_function_concurrency(context, input), NOT_FOUND, missing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_with_the_function_and_survives_a_restart() {
    let harness = Harness::new().await;
    harness.function("f").await;
    harness.function("g").await;
    for name in ["f", "g"] {
        harness.lambda.put_function_concurrency(&harness.context, put(name, 300)).await.unwrap();
    }
    let input = DeleteFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    harness.lambda.delete_function(&harness.context, input).await.unwrap();
    eventually("it is given back", async || (unreserved(&harness) == Some(700)).then_some(())).await;

    let harness = harness.restarted();
    eventually("it is told anew", async || (unreserved(&harness) == Some(700)).then_some(())).await;
}
