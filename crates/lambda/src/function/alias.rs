//! Aliases. Source: AWS Lambda developer guide, "Create an alias for a Lambda function" and "Implement Lambda canary
//! deployments using a weighted alias".

use std::collections::BTreeMap;

use api_lambda::{AliasConfiguration, AliasRoutingConfiguration};
use ids::Qualifier;
use store::{Row, Snapshot};

use crate::errors::{Outcome, invalid_parameter, not_found};
use crate::tables::alias::{ALIASES, AliasRecord};
use crate::tables::function::{FunctionKey, VERSIONS};

/// The alias as the API shows it.
pub(crate) fn shown_alias(key: &FunctionKey, alias: &AliasRecord) -> AliasConfiguration {
    let version = alias.version.map_or(Qualifier::Latest, Qualifier::Version);
    AliasConfiguration {
        alias_arn: Some(alias_arn(key, &alias.name)),
        name: Some(alias.name.clone()),
        function_version: Some(version.to_string()),
        description: Some(alias.description.clone()),
        routing_config: alias.additional.map(|(number, weight)| AliasRoutingConfiguration {
            additional_version_weights: Some(BTreeMap::from([(number.to_string(), weight)])),
        }),
        revision_id: Some(alias.revision_id.clone()),
    }
}

/// The alias's ARN.
pub(crate) fn alias_arn(key: &FunctionKey, name: &str) -> String {
    key.arn().qualified(Qualifier::Alias(name.to_owned())).to_string()
}

/// The alias of this name; `otherwise` begins what is said when there is none.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) async fn find_alias(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    name: &str,
    otherwise: &str,
) -> Outcome<Row<AliasRecord>> {
    let row = ALIASES.get(snapshot, &key.parts_and(name)).await?;
    row.ok_or_else(|| not_found(format!("{otherwise}: {}", alias_arn(key, name))))
}

/// The version that an alias is to point to: none for `$LATEST`.
///
/// # Errors
/// `ResourceNotFoundException` when there is none of this number.
pub(crate) async fn read_target(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    text: &str,
) -> Outcome<Option<u64>> {
    let not_found = || {
        let qualifier = Qualifier::Alias(text.to_owned());
        not_found(format!("Function not found: {}", key.arn().qualified(qualifier)))
    };
    match Qualifier::parse(text) {
        Qualifier::Latest => Ok(None),
        Qualifier::Version(number) => {
            let version = VERSIONS.get(snapshot, &key.parts_and(number)).await?;
            version.map(|_| Some(number)).ok_or_else(not_found)
        }
        Qualifier::Alias(_) => Err(not_found()),
    }
}

/// The share of invocations that are to go to another version than `main`.
///
/// # Errors
/// `InvalidParameterValueException` for more than one, for the same version, and beside `$LATEST`;
/// `ResourceNotFoundException` for a version that does not exist.
pub(crate) async fn read_routing(
    snapshot: &dyn Snapshot,
    key: &FunctionKey,
    main: Option<u64>,
    routing: AliasRoutingConfiguration,
) -> Outcome<Option<(u64, f64)>> {
    let weights = routing.additional_version_weights.unwrap_or_default();
    if weights.len() > 1 {
        return Err(invalid_parameter(
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ));
    }
    let Some((text, weight)) = weights.into_iter().next() else { return Ok(None) };
    let Some(main) = main else {
        return Err(invalid_parameter(
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ));
    };
    let number = read_target(snapshot, key, &text).await?;
    if number == Some(main) {
        return Err(invalid_parameter(format!(
            "Invalid function version {main}. Function version {main} is already included in routing configuration."
        )));
    }
    Ok(number.map(|number| (number, weight)))
}
