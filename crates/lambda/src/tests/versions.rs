//! Published versions.

use api_lambda::*;

use super::functions::{delete, publish, update_code};
use super::harness::{ARN, Harness, code, context, idle, told};

#[tokio::test]
async fn a_version_keeps_what_it_was_made_of() {
    let harness = Harness::new().await;
    let first = harness.create(idle("f")).await;
    let published = publish(&harness, "f", Some("the first")).await;
    assert_eq!(published.function_arn, Some(format!("{ARN}:f:1")));
    assert_eq!(published.version.as_deref(), Some("1"));
    assert_eq!(published.state, Some(State::Active));
    update_code(&harness, "f", "new").await;
    harness.settled("f").await;
    let version = harness.configuration("f:1").await.unwrap();
    assert_eq!(version.code_sha256, first.code_sha256);
    assert_eq!(version.description.as_deref(), Some("the first"));
    assert_eq!(harness.configuration("f").await.unwrap().description.as_deref(), Some(""));
}

#[tokio::test]
async fn what_has_not_changed_is_not_published_again_and_numbers_are_never_reused() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    assert_eq!(publish(&harness, "f", None).await.version.as_deref(), Some("1"));
    assert_eq!(publish(&harness, "f", Some("again")).await.version.as_deref(), Some("1"));
    delete(&harness, "f", Some("1")).await.unwrap();
    assert_eq!(publish(&harness, "f", None).await.version.as_deref(), Some("2"));
    update_code(&harness, "f", "new").await;
    harness.settled("f").await;
    assert_eq!(publish(&harness, "f", None).await.version.as_deref(), Some("3"));
    let request = ListVersionsByFunctionRequest {
        function_name: "f".to_owned(),
        ..ListVersionsByFunctionRequest::default()
    };
    let listed = harness.lambda.list_versions_by_function(&context(), request).await.unwrap();
    let versions: Vec<_> = listed.versions.unwrap().into_iter().filter_map(|one| one.version).collect();
    assert_eq!(versions, ["$LATEST", "2", "3"]);
}

#[tokio::test]
async fn a_function_can_be_published_as_it_is_created_or_updated() {
    let harness = Harness::new().await;
    let mut request = idle("f");
    request.publish = Some(true);
    let created = harness.lambda.create_function(&context(), request).await.unwrap();
    assert_eq!(created.version.as_deref(), Some("1"));
    harness.settled("f").await;
    assert_eq!(harness.settled("f:1").await.state, Some(State::Active));
    let request = UpdateFunctionCodeRequest {
        function_name: "f".to_owned(),
        zip_file: code("new").zip_file,
        publish: Some(true),
        ..UpdateFunctionCodeRequest::default()
    };
    let updated = harness.lambda.update_function_code(&context(), request).await.unwrap();
    assert_eq!(updated.function_arn, Some(format!("{ARN}:f:2")));
    assert_eq!((updated.state, updated.last_update_status), (Some(State::Pending), None));
    harness.settled("f").await;
    let second = harness.settled("f:2").await;
    assert_eq!(second.last_update_status, Some(LastUpdateStatus::Successful));
    assert_ne!(second.code_sha256, created.code_sha256);
}

#[tokio::test]
async fn a_version_that_an_alias_refers_to_stays() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    publish(&harness, "f", None).await;
    let alias = CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    harness.lambda.create_alias(&context(), alias).await.unwrap();
    let expected = (
        "ResourceConflictException".to_owned(),
        409,
        "Unable to delete version because the following aliases reference it: [live]".to_owned(),
    );
    assert_eq!(told(delete(&harness, "f", Some("1")).await), expected);
}

/// Observed on AWS: the description is a part of what a version is made of, as everything else.
#[tokio::test]
async fn a_changed_description_of_the_function_is_published_again() {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    assert_eq!(publish(&harness, "f", Some("of the version")).await.version.as_deref(), Some("1"));
    let update = |description: &str| UpdateFunctionConfigurationRequest {
        function_name: "f".to_owned(),
        description: Some(description.to_owned()),
        ..UpdateFunctionConfigurationRequest::default()
    };
    harness.lambda.update_function_configuration(&context(), update("changed")).await.unwrap();
    harness.settled("f").await;
    let second = publish(&harness, "f", None).await;
    assert_eq!((second.version.as_deref(), second.description.as_deref()), (Some("2"), Some("changed")));
    harness.lambda.update_function_configuration(&context(), update("changed")).await.unwrap();
    harness.settled("f").await;
    assert_eq!(publish(&harness, "f", None).await.version.as_deref(), Some("2"), "nothing is new");
}

#[tokio::test]
async fn a_function_that_is_missing_is_named_as_aws_names_it() {
    let harness = Harness::new().await;
    let missing =
        |arn: &str| ("ResourceNotFoundException".to_owned(), 404, format!("Function not found: {ARN}:{arn}"));
    assert_eq!(told(delete(&harness, "none", Some("1")).await), missing("none"));
    let alias = CreateAliasRequest {
        function_name: "none".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..CreateAliasRequest::default()
    };
    assert_eq!(told(harness.lambda.create_alias(&context(), alias).await), missing("none:1"));
    harness.create(idle("f")).await;
    assert_eq!(told(delete(&harness, "f", Some("1")).await), missing("f:1"));
}
