//! Tags: which resource is meant, and what tags there may be. Source: AWS Lambda developer guide, "Using tags on
//! Lambda functions".

use std::collections::BTreeMap;

use ids::{Arn, FunctionArn};
use wire::Context;

use crate::Lambda;
use crate::errors::{Outcome, invalid_parameter, not_found, unsupported};
use crate::function::{FunctionReference, find_function};
use crate::service::update_in_progress;
use crate::tables::function::{FunctionKey, LastUpdate, put_function};

/// A resource's tags.
pub(crate) type Tags = BTreeMap<String, String>;

/// The most tags of a resource.
const TAGS_MAX: usize = 50;

/// The function that a request about tags names.
///
/// # Errors
/// `InvalidParameterValueException` for a version or an alias, `ResourceNotFoundException` for a resource of a kind
/// that there are none of.
pub(crate) fn tagged_function(context: &Context, operation: &str, resource: &str) -> Outcome<FunctionKey> {
    let Ok(arn) = FunctionArn::parse(resource) else {
        return Err(match Arn::parse(resource) {
            Ok(arn) if arn.resource.starts_with("layer:") => unsupported("Tagging a layer"),
            _ => not_found("The resource you requested does not exist."),
        });
    };
    if arn.qualifier.is_some() {
        return Err(invalid_parameter(
            "Tagging operations are permitted on Lambda functions only. Tags on aliases and versions are not \
             supported. Please specify either a function name or a function ARN.",
        ));
    }
    Ok(FunctionReference::parse(context, operation, resource, None)?.key)
}

/// That a resource may have these tags.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) fn check_tags(tags: &Tags) -> Outcome<()> {
    if tags.len() > TAGS_MAX {
        return Err(invalid_parameter("Number of tags exceeds resource tag limit."));
    }
    let reserved = |key: &&String| key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    match tags.keys().find(reserved) {
        Some(key) => Err(invalid_parameter(format!("The tag key {key} is reserved: it begins with aws:."))),
        None => Ok(()),
    }
}

/// Changes a function's tags. Its revision id changes with them.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceConflictException` while an update is under way, and those of
/// [`check_tags`].
pub(crate) async fn change_tags(
    lambda: &Lambda,
    key: &FunctionKey,
    change: impl FnOnce(&mut Tags),
) -> Outcome<()> {
    let row = find_function(&*lambda.snapshot().await?, key).await?;
    let mut record = row.record.clone();
    if record.latest.last_update == LastUpdate::InProgress {
        return Err(update_in_progress(key));
    }
    change(&mut record.tags);
    check_tags(&record.tags)?;
    record.latest.revision_id = lambda.revision_id();
    let mut transaction = store::Transaction::new();
    put_function(&mut transaction, key, Some(&row), &record)?;
    lambda.commit(key, transaction).await
}

#[cfg(test)]
mod tests {
    use wire::Error;

    use super::*;

    fn tags(keys: impl IntoIterator<Item = String>) -> Tags {
        keys.into_iter().map(|key| (key, String::new())).collect()
    }

    #[test]
    fn fifty_tags_are_allowed_and_no_more() {
        let numbered = |count: usize| tags((0..count).map(|number| number.to_string()));
        assert!(check_tags(&numbered(50)).is_ok());
        let error = Error::from(check_tags(&numbered(51)).unwrap_err());
        assert_eq!(error.message(), Some("Number of tags exceeds resource tag limit."));
    }

    #[test]
    fn keys_of_aws_are_reserved() {
        for key in ["aws:", "aws:x", "AWS:x"] {
            assert!(check_tags(&tags([key.to_owned()])).is_err(), "{key}");
        }
        for key in ["aws", "awsx:", "aw", "ä", "äää:", "my:aws:"] {
            assert!(check_tags(&tags([key.to_owned()])).is_ok(), "{key}");
        }
    }
}
