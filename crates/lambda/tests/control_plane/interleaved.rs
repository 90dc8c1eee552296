//! Requests that change the same thing at the same time: each is made as the other commits.

use api_lambda::{
    AddLayerVersionPermissionRequest, AddPermissionRequest, Context, CreateAliasRequest,
    DeleteFunctionRequest, Error, GetLayerVersionPolicyRequest, GetPolicyRequest, Lambda as _,
    LayerVersionContentInput, PublishLayerVersionRequest, PutFunctionConcurrencyRequest,
    PutProvisionedConcurrencyConfigRequest, UpdateAliasRequest, UpdateFunctionConfigurationRequest,
};
use lambda::Lambda;

use crate::harness::{Harness, INVALID, refused, zip};

/// Has `other` done while the next commit is under way; it must succeed.
fn meanwhile<T, F>(harness: &Harness, other: impl FnOnce(Lambda, Context) -> F)
where
    F: Future<Output = Result<T, Error>> + Send + 'static,
    T: Send,
{
    let other = other(harness.lambda.clone(), harness.context.clone());
    harness.store.meddle(async move {
        other.await.unwrap();
    });
}

fn layer() -> PublishLayerVersionRequest {
    PublishLayerVersionRequest {
        layer_name: "l".to_owned(),
        content: LayerVersionContentInput {
            zip_file: Some(zip(&[("file", b"")])),
            ..LayerVersionContentInput::default()
        },
        ..PublishLayerVersionRequest::default()
    }
}

fn reserve(name: &str, reserved_concurrent_executions: i32) -> PutFunctionConcurrencyRequest {
    PutFunctionConcurrencyRequest { function_name: name.to_owned(), reserved_concurrent_executions }
}

fn provision(
    qualifier: &str,
    provisioned_concurrent_executions: i32,
) -> PutProvisionedConcurrencyConfigRequest {
    PutProvisionedConcurrencyConfigRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.to_owned(),
        provisioned_concurrent_executions,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_of_a_layer_get_numbers_of_their_own() {
    let harness = Harness::new().await;
    for expected in [2, 4] {
        meanwhile(&harness, async |lambda, context| lambda.publish_layer_version(&context, layer()).await);
        let published = harness.lambda.publish_layer_version(&harness.context, layer()).await.unwrap();
        assert_eq!(published.version, Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_statements_are_kept() {
    let harness = Harness::new().await;
    harness.function("f").await;
    harness.layer("l", |_| {}).await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let add = |sid: &str| AddPermissionRequest {
        function_name: "f".to_owned(),
        statement_id: sid.to_owned(),
        action: "lambda:InvokeFunction".to_owned(),
        principal: "*".to_owned(),
        ..AddPermissionRequest::default()
    };
    let share = |sid: &str| AddLayerVersionPermissionRequest {
        layer_name: "l".to_owned(),
        version_number: 1,
        statement_id: sid.to_owned(),
        action: "lambda:GetLayerVersion".to_owned(),
        principal: "*".to_owned(),
        ..AddLayerVersionPermissionRequest::default()
    };
    let input = add("two");
    meanwhile(&harness, async |lambda, context| lambda.add_permission(&context, input).await);
    lambda.add_permission(context, add("one")).await.unwrap();
    let input = share("two");
    meanwhile(&harness, async |lambda, context| lambda.add_layer_version_permission(&context, input).await);
    lambda.add_layer_version_permission(context, share("one")).await.unwrap();

    let input = GetPolicyRequest { function_name: "f".to_owned(), qualifier: None };
    let of_function = lambda.get_policy(context, input).await.unwrap().policy.unwrap();
    let input = GetLayerVersionPolicyRequest { layer_name: "l".to_owned(), version_number: 1 };
    let of_layer = lambda.get_layer_version_policy(context, input).await.unwrap().policy.unwrap();
    for policy in [of_function, of_layer] {
        assert!(policy.contains(r#""Sid":"one""#) && policy.contains(r#""Sid":"two""#), "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_the_concurrency_goes_to_one_only() {
    let harness = Harness::new().await;
    harness.function("f").await;
    harness.function("g").await;
    harness.version("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let message = "Specified ReservedConcurrentExecutions for function decreases account's \
                   UnreservedConcurrentExecution below its minimum value of [100].";
    meanwhile(&harness, async |lambda, context| {
        lambda.put_function_concurrency(&context, reserve("g", 500)).await
    });
    refused(lambda.put_function_concurrency(context, reserve("f", 500)), INVALID, message).await;

    let message = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
                   its minimum value of [100].";
    meanwhile(&harness, async |lambda, context| {
        lambda.put_function_concurrency(&context, reserve("g", 900)).await
    });
    refused(lambda.put_provisioned_concurrency_config(context, provision("1", 300)), INVALID, message).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_with_provisioned_environments_does_not_come_to_point_to_latest() {
    let harness = Harness::new().await;
    harness.function("f").await;
    harness.version("f").await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    lambda.create_alias(context, alias).await.unwrap();
    let point_to = |version: &str| UpdateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: Some(version.to_owned()),
        ..UpdateAliasRequest::default()
    };
    let unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    let input = point_to("$LATEST");
    meanwhile(&harness, async |lambda, context| lambda.update_alias(&context, input).await);
    let answer = lambda.put_provisioned_concurrency_config(context, provision("live", 1));
    refused(answer, INVALID, unpublished).await;

    lambda.update_alias(context, point_to("1")).await.unwrap();
    meanwhile(&harness, async |lambda, context| {
        lambda.put_provisioned_concurrency_config(&context, provision("live", 1)).await
    });
    let conflict = "The operation cannot be performed at this time. An update is in progress for resource: \
                    arn:aws:lambda:eu-central-1:000000000000:function:f";
    let answer = lambda.update_alias(context, point_to("$LATEST"));
    refused(answer, "ResourceConflictException", conflict).await;
}

/// The caller was told of a conflict when the creation or an update ended as the function was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_deleted_although_it_changes_meanwhile() {
    let harness = Harness::new().await;
    harness.function("f").await;
    let update = UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        timeout: Some(5),
        ..UpdateFunctionConfigurationRequest::default()
    };
    meanwhile(&harness, async |lambda, context| lambda.update_function_configuration(&context, update).await);
    let delete = || DeleteFunctionRequest { function_name: "f".to_owned(), qualifier: None };
    harness.lambda.delete_function(&harness.context, delete()).await.unwrap();
    let again = harness.lambda.delete_function(&harness.context, delete()).await.unwrap_err();
    assert_eq!(again.code(), "ResourceNotFoundException");
}
