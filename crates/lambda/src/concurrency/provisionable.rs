//! What provisioned concurrency can be configured for: a published version, or an alias of one.

use ids::{FunctionArn, Qualifier};
use store::{Check, Row, Snapshot, Transaction};
use wire::Context;

use crate::concurrency::UNPUBLISHED;
use crate::errors::{Outcome, invalid_parameter, not_found};
use crate::function::{FunctionReference, function_not_found};
use crate::tables::alias::{ALIASES, AliasRecord};
use crate::tables::concurrency::PROVISIONED;
use crate::tables::function::{FunctionKey, VERSIONS};

/// A version or an alias.
#[derive(Debug, Clone)]
pub(crate) struct Provisionable {
    pub(crate) key: FunctionKey,
    pub(crate) qualifier: Qualifier,
    /// The version that it is, or points to; none for an alias of `$LATEST`.
    pub(crate) version: Option<u64>,
    /// Where a request names an alias.
    pub(crate) alias: Option<Row<AliasRecord>>,
}

impl Provisionable {
    /// Finds what a request names. `unpublished` is said of `$LATEST`.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for `$LATEST`, `ResourceNotFoundException`.
    pub(crate) async fn find(
        snapshot: &dyn Snapshot,
        context: &Context,
        operation: &str,
        (name, qualifier): (&str, &str),
        unpublished: &str,
    ) -> Outcome<Self> {
        let reference = FunctionReference::parse(context, operation, name, Some(qualifier))?;
        let key = reference.key.clone();
        match &reference.qualifier {
            None | Some(Qualifier::Latest) => Err(invalid_parameter(unpublished)),
            Some(Qualifier::Version(number)) => {
                let row = VERSIONS.get(snapshot, &key.parts_and(*number)).await?;
                row.ok_or_else(|| function_not_found(&reference))?;
                let qualifier = Qualifier::Version(*number);
                Ok(Self { key, qualifier, version: Some(*number), alias: None })
            }
            Some(Qualifier::Alias(name)) => {
                let missing = || not_found(format!("Cannot find alias arn: {}", reference.arn()));
                let row = ALIASES.get(snapshot, &key.parts_and(name.as_str())).await?;
                let alias = row.ok_or_else(missing)?;
                let qualifier = Qualifier::Alias(name.clone());
                Ok(Self { key, qualifier, version: alias.record.version, alias: Some(alias) })
            }
        }
    }

    /// The qualifier as it is written, and kept.
    pub(crate) fn qualifier_text(&self) -> String {
        self.qualifier.to_string()
    }

    /// The ARN of the version.
    pub(crate) fn version_arn(&self) -> FunctionArn {
        self.key.arn().qualified(self.version.map_or(Qualifier::Latest, Qualifier::Version))
    }
}

/// Adds: this alias can be what it is to be. One for which environments are provisioned cannot point to `$LATEST`.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(crate) async fn require_provisionable(
    snapshot: &dyn Snapshot,
    transaction: &mut Transaction,
    key: &FunctionKey,
    alias: &AliasRecord,
) -> Outcome<()> {
    if alias.version.is_some() {
        return Ok(());
    }
    let parts = key.parts_and(alias.name.as_str());
    if PROVISIONED.get(snapshot, &parts).await?.is_some() {
        return Err(invalid_parameter(UNPUBLISHED));
    }
    transaction.checks.push(Check::Absent(PROVISIONED.key(&parts)));
    Ok(())
}
