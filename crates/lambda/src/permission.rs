//! The resource policies of functions, versions and aliases: finding them and changing them.
//!
//! Policies are kept and shown; they are not evaluated yet when a function is invoked, so that they neither grant nor
//! deny anything.

use ids::Qualifier;
use store::{Row, Snapshot, Transaction};

use crate::Lambda;
use crate::errors::{Failure, Outcome, not_found, revision_differs};
use crate::function::{FunctionReference, find_function, function_not_found};
use crate::policy::Policy;
use crate::tables::alias::{ALIASES, AliasRecord};
use crate::tables::function::{FunctionRecord, VERSIONS, VersionRecord, put_function, put_version};
use crate::tables::policy::POLICIES;

/// What a policy belongs to. Its revision id changes with the policy.
#[derive(Debug)]
pub(crate) enum Owner {
    Function(Box<Row<FunctionRecord>>),
    Version(u64, Box<Row<VersionRecord>>),
    Alias(Box<Row<AliasRecord>>),
}

impl Owner {
    /// What `reference` names.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) async fn find(snapshot: &dyn Snapshot, reference: &FunctionReference) -> Outcome<Self> {
        let key = &reference.key;
        let function = find_function(snapshot, key).await?;
        match &reference.qualifier {
            None | Some(Qualifier::Latest) => Ok(Self::Function(Box::new(function))),
            Some(Qualifier::Version(number)) => {
                let row = VERSIONS.get(snapshot, &key.parts_and(*number)).await?;
                let row = row.ok_or_else(|| function_not_found(reference))?;
                Ok(Self::Version(*number, Box::new(row)))
            }
            Some(Qualifier::Alias(name)) => {
                let row = ALIASES.get(snapshot, &key.parts_and(name.as_str())).await?;
                let missing = || not_found(format!("Cannot find alias arn: {}", reference.arn()));
                Ok(Self::Alias(Box::new(row.ok_or_else(missing)?)))
            }
        }
    }

    /// The revision id, as `GetFunction` and `GetAlias` show it.
    pub(crate) fn revision_id(&self) -> &str {
        match self {
            Self::Function(row) => &row.record.latest.revision_id,
            Self::Version(_, row) => &row.record.revision_id,
            Self::Alias(row) => &row.record.revision_id,
        }
    }

    /// Adds: its revision id is this one.
    fn put_revision(
        &self,
        transaction: &mut Transaction,
        reference: &FunctionReference,
        revision_id: String,
    ) -> Outcome<()> {
        match self {
            Self::Function(row) => {
                let mut record = row.record.clone();
                record.latest.revision_id = revision_id;
                put_function(transaction, &reference.key, Some(row), &record)?;
            }
            Self::Version(number, row) => {
                let record = VersionRecord { revision_id, ..row.record.clone() };
                put_version(transaction, &reference.key, *number, Some(row), &record)?;
            }
            Self::Alias(row) => {
                let record = AliasRecord { revision_id, ..row.record.clone() };
                ALIASES.update(transaction, row, &record)?;
            }
        }
        Ok(())
    }
}

/// The qualifier under which the policy of what `reference` names is kept.
pub(crate) fn policy_qualifier(reference: &FunctionReference) -> String {
    reference.qualifier.as_ref().unwrap_or(&Qualifier::Latest).to_string()
}

/// Changes a policy, provided that what it belongs to still has the revision that the caller knows, if any.
///
/// # Errors
/// `ResourceNotFoundException`, `PreconditionFailedException`, and those of `change`.
pub(crate) async fn change_policy(
    lambda: &Lambda,
    reference: &FunctionReference,
    revision_id: Option<&str>,
    change: impl Fn(Option<Policy>) -> Outcome<Option<Policy>>,
) -> Outcome<()> {
    let qualifier = policy_qualifier(reference);
    loop {
        let snapshot = lambda.snapshot().await?;
        let owner = Owner::find(&*snapshot, reference).await?;
        let parts = reference.key.parts_and(qualifier.as_str());
        let before = POLICIES.get(&*snapshot, &parts).await?;
        let after = change(before.as_ref().map(|row| row.record.clone()))?;
        if revision_id.is_some_and(|known| known != owner.revision_id()) {
            return Err(revision_differs("GetFunction/GetAlias"));
        }
        let mut transaction = Transaction::new();
        match (&before, &after) {
            (None, Some(after)) => POLICIES.insert(&mut transaction, &parts, after)?,
            (Some(before), Some(after)) => POLICIES.update(&mut transaction, before, after)?,
            (Some(before), None) => POLICIES.delete_row(&mut transaction, before),
            (None, None) => {}
        }
        owner.put_revision(&mut transaction, reference, lambda.revision_id())?;
        match lambda.store.commit(transaction).await.map_err(Failure::from) {
            Ok(_) => {
                lambda.changed(&reference.key);
                return Ok(());
            }
            // Somebody else changed it: the same change is made to what it is now.
            Err(Failure::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
}
