//! Resource policies of functions.

use api_lambda::{
    AddPermissionRequest, CreateAliasRequest, DeleteAliasRequest, DeleteFunctionRequest, GetAliasRequest,
    GetPolicyRequest, Lambda as _, RemovePermissionRequest,
};

use crate::harness::{CONFLICT, Harness, INVALID, NOT_FOUND, PRECONDITION, refused};

const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:f";
const REVISION_DIFFERS: &str = "The Revision Id provided does not match the latest Revision Id. Call the \
                                GetFunction/GetAlias API to retrieve the latest Revision Id";
const NO_POLICY: &str = "No policy is associated with the given resource.";
const NOTHING: &str = "The resource you requested does not exist.";

fn add(qualifier: Option<&str>, statement_id: &str) -> AddPermissionRequest {
    AddPermissionRequest {
        function_name: "f".to_owned(),
        statement_id: statement_id.to_owned(),
        action: "lambda:InvokeFunction".to_owned(),
        principal: "s3.amazonaws.com".to_owned(),
        qualifier: qualifier.map(str::to_owned),
        ..AddPermissionRequest::default()
    }
}

fn remove(qualifier: Option<&str>, statement_id: &str) -> RemovePermissionRequest {
    RemovePermissionRequest {
        function_name: "f".to_owned(),
        statement_id: statement_id.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        revision_id: None,
    }
}

fn policy(qualifier: Option<&str>) -> GetPolicyRequest {
    GetPolicyRequest { function_name: "f".to_owned(), qualifier: qualifier.map(str::to_owned) }
}

fn statement(sid: &str, resource: &str) -> String {
    format!(
        r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"lambda:InvokeFunction","Resource":"{resource}"}}"#
    )
}

/// A function with a version 1 and an alias of it, `live`.
async fn harness() -> Harness {
    let harness = Harness::new().await;
    harness.function("f").await;
    assert_eq!(harness.version("f").await, "1");
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&harness.context, alias).await.unwrap();
    harness
}

#[tokio::test(flavor = "multi_thread")]
async fn function_version_and_alias_have_policies_of_their_own() {
    let harness = harness().await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    for (qualifier, resource) in
        [(None, ARN.to_owned()), (Some("1"), format!("{ARN}:1")), (Some("live"), format!("{ARN}:live"))]
    {
        refused(lambda.get_policy(context, policy(qualifier)), NOT_FOUND, NOTHING).await;
        // The same id in each of them.
        let added = lambda.add_permission(context, add(qualifier, "s")).await.unwrap();
        let expected = statement("s", &resource);
        assert_eq!(added.statement.as_ref(), Some(&expected));
        let shown = lambda.get_policy(context, policy(qualifier)).await.unwrap();
        let document = format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{expected}]}}"#);
        assert_eq!(shown.policy, Some(document), "{qualifier:?}");
    }
    lambda.add_permission(context, add(None, "t")).await.unwrap();
    lambda.remove_permission(context, remove(None, "s")).await.unwrap();
    let shown = lambda.get_policy(context, policy(None)).await.unwrap();
    let left = statement("t", ARN);
    let document = format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{left}]}}"#);
    assert_eq!(shown.policy, Some(document));
    lambda.remove_permission(context, remove(None, "t")).await.unwrap();
    refused(lambda.get_policy(context, policy(None)), NOT_FOUND, NOTHING).await;
    lambda.get_policy(context, policy(Some("1"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_revision_is_that_of_what_the_policy_belongs_to_and_changes_with_it() {
    let harness = harness().await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let of_alias = async || {
        let input = GetAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
        lambda.get_alias(context, input).await.unwrap().revision_id
    };
    for qualifier in [None, Some("1"), Some("live")] {
        let revision = async || match qualifier {
            Some("live") => of_alias().await,
            qualifier => harness.configuration("f", qualifier).await.revision_id,
        };
        let before = revision().await;
        let guarded = |revision_id| AddPermissionRequest { revision_id, ..add(qualifier, "s") };
        let wrong = guarded(Some("wrong".to_owned()));
        refused(lambda.add_permission(context, wrong), PRECONDITION, REVISION_DIFFERS).await;
        lambda.add_permission(context, guarded(before.clone())).await.unwrap();
        let added = revision().await;
        assert_ne!(added, before, "{qualifier:?}");
        let shown = lambda.get_policy(context, policy(qualifier)).await.unwrap();
        assert_eq!(shown.revision_id, added, "{qualifier:?}");

        let guarded = |revision_id| RemovePermissionRequest { revision_id, ..remove(qualifier, "s") };
        refused(lambda.remove_permission(context, guarded(before)), PRECONDITION, REVISION_DIFFERS).await;
        lambda.remove_permission(context, guarded(added.clone())).await.unwrap();
        assert_ne!(revision().await, added, "{qualifier:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_added_is_refused_in_aws_words() {
    let harness = harness().await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    lambda.add_permission(context, add(None, "s")).await.unwrap();
    let url_only = AddPermissionRequest { function_url_auth_type: Some("NONE".into()), ..add(None, "t") };
    let nobody = AddPermissionRequest { principal: "nobody".to_owned(), ..add(None, "t") };
    let twice = AddPermissionRequest { function_name: "f:1".to_owned(), ..add(Some("live"), "t") };
    let elsewhere = AddPermissionRequest { function_name: "g".to_owned(), ..add(None, "t") };
    for (input, code, message) in [
        (
            add(None, "s"),
            CONFLICT,
            "The statement id (s) provided already exists. Please provide a new statement id, or remove the existing \
             statement.",
        ),
        (add(Some("$LATEST"), "t"), INVALID, "We currently do not support adding policies for $LATEST."),
        (nobody, INVALID, "The provided principal was invalid. Please check the principal and try again."),
        (url_only, INVALID, "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"),
        (
            twice,
            INVALID,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (elsewhere, NOT_FOUND, "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:g"),
        (
            add(Some("7"), "t"),
            NOT_FOUND,
            "Function not found: arn:aws:lambda:eu-central-1:000000000000:function:f:7",
        ),
        (
            add(Some("dead"), "t"),
            NOT_FOUND,
            "Cannot find alias arn: arn:aws:lambda:eu-central-1:000000000000:function:f:dead",
        ),
    ] {
        refused(lambda.add_permission(context, input), code, message).await;
    }
    let absent = "Statement t is not found in resource policy.";
    refused(lambda.remove_permission(context, remove(None, "t")), NOT_FOUND, absent).await;
    refused(lambda.remove_permission(context, remove(Some("1"), "t")), NOT_FOUND, NO_POLICY).await;
    let elsewhere = RemovePermissionRequest { function_name: "g".to_owned(), ..remove(None, "t") };
    let absent = "No policy found for: arn:aws:lambda:eu-central-1:000000000000:function:g";
    refused(lambda.remove_permission(context, elsewhere), NOT_FOUND, absent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_has_a_limit() {
    let harness = harness().await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    let large = |sid: &str, length: usize| AddPermissionRequest {
        source_arn: Some(format!("arn:aws:s3:::{}", "b".repeat(length))),
        ..add(None, sid)
    };
    lambda.add_permission(context, large("a", 10_000)).await.unwrap();
    let shown = lambda.get_policy(context, policy(None)).await.unwrap().policy.unwrap();
    let of_statement = shown.len() - r#"{"Version":"2012-10-17","Id":"default","Statement":[]}"#.len();
    // Another of the same form and a comma.
    let length = 20_480 - shown.len() - 1 - (of_statement - 10_000);
    let message = "The final policy size (20481) is bigger than the limit (20480).";
    let too_large = lambda.add_permission(context, large("b", length + 1));
    refused(too_large, "PolicyLengthExceededException", message).await;
    lambda.add_permission(context, large("b", length)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_goes_with_what_it_belongs_to() {
    let harness = harness().await;
    let (lambda, context) = (&harness.lambda, &harness.context);
    for qualifier in [None, Some("1"), Some("live")] {
        lambda.add_permission(context, add(qualifier, "s")).await.unwrap();
    }
    let alias = DeleteAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
    lambda.delete_alias(context, alias).await.unwrap();
    assert_eq!(harness.rows("lambda-policy").await, 2);
    let delete = |qualifier: Option<&str>| DeleteFunctionRequest {
        function_name: "f".to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    lambda.delete_function(context, delete(Some("1"))).await.unwrap();
    assert_eq!(harness.rows("lambda-policy").await, 1);
    lambda.get_policy(context, policy(None)).await.unwrap();
    lambda.delete_function(context, delete(None)).await.unwrap();
    assert_eq!(harness.rows("lambda-policy").await, 0);
}
