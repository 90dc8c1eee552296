//! Aliases.

use std::collections::BTreeMap;

use api_lambda::*;

use super::functions::{publish, update_code};
use super::harness::{ARN, Harness, context, idle, told};

async fn two_versions() -> Harness {
    let harness = Harness::new().await;
    harness.create(idle("f")).await;
    publish(&harness, "f", None).await;
    update_code(&harness, "f", "new").await;
    harness.settled("f").await;
    publish(&harness, "f", None).await;
    harness
}

fn live(version: &str, weights: &[(&str, f64)]) -> CreateAliasRequest {
    let weights: BTreeMap<_, _> =
        weights.iter().map(|(version, weight)| ((*version).to_owned(), *weight)).collect();
    CreateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: version.to_owned(),
        description: None,
        routing_config: (!weights.is_empty())
            .then_some(AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
    }
}

#[tokio::test]
async fn an_alias_is_made_moved_listed_and_removed() {
    let harness = two_versions().await;
    let (lambda, context) = (&harness.lambda, context());
    let created = lambda.create_alias(&context, live("1", &[("2", 0.25)])).await.unwrap();
    assert_eq!(created.alias_arn, Some(format!("{ARN}:f:live")));
    let weights = created.routing_config.clone().unwrap().additional_version_weights.unwrap();
    assert_eq!(weights, BTreeMap::from([("2".to_owned(), 0.25)]));
    let shown = harness.configuration("f:live").await.unwrap();
    assert_eq!((shown.version.as_deref(), shown.function_arn), (Some("1"), created.alias_arn.clone()));

    let get = GetAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
    assert_eq!(lambda.get_alias(&context, get.clone()).await.unwrap(), created);
    let update = UpdateAliasRequest {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: Some("2".to_owned()),
        routing_config: Some(AliasRoutingConfiguration::default()),
        revision_id: created.revision_id,
        ..UpdateAliasRequest::default()
    };
    let updated = lambda.update_alias(&context, update.clone()).await.unwrap();
    assert_eq!((updated.function_version.as_deref(), &updated.routing_config), (Some("2"), &None));
    assert_eq!(told(lambda.update_alias(&context, update).await).0, "PreconditionFailedException");

    let list = async |function_version: Option<&str>| {
        let function_version = function_version.map(str::to_owned);
        let function_name = "f".to_owned();
        let request = ListAliasesRequest { function_name, function_version, ..ListAliasesRequest::default() };
        lambda.list_aliases(&context, request).await.unwrap().aliases.unwrap()
    };
    for version in [None, Some("2")] {
        assert_eq!(list(version).await, std::slice::from_ref(&updated));
    }
    assert_eq!(list(Some("1")).await, []);

    let delete = DeleteAliasRequest { function_name: "f".to_owned(), name: "live".to_owned() };
    lambda.delete_alias(&context, delete).await.unwrap();
    assert_eq!(told(lambda.get_alias(&context, get).await).2, format!("Cannot find alias arn: {ARN}:f:live"));
}

#[tokio::test]
async fn what_an_alias_cannot_point_to_is_refused() {
    let harness = two_versions().await;
    let cases = [
        (live("9", &[]), "ResourceNotFoundException", format!("Function not found: {ARN}:f:9")),
        (live("1", &[("9", 0.5)]), "ResourceNotFoundException", format!("Function not found: {ARN}:f:9")),
        (
            live("$LATEST", &[("1", 0.5)]),
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version".to_owned(),
        ),
        (
            live("1", &[("1", 0.5)]),
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration."
                .to_owned(),
        ),
        (
            live("1", &[("1", 0.5), ("2", 0.5)]),
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1".to_owned(),
        ),
    ];
    for (request, code, message) in cases {
        let (found_code, _, found) = told(harness.lambda.create_alias(&context(), request).await);
        assert_eq!((found_code.as_str(), found), (code, message));
    }
    harness.lambda.create_alias(&context(), live("1", &[])).await.unwrap();
    let again = told(harness.lambda.create_alias(&context(), live("1", &[])).await);
    let expected = format!("Alias already exists: {ARN}:f:live");
    assert_eq!(again, ("ResourceConflictException".to_owned(), 409, expected));
}
