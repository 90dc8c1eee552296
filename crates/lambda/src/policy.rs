//! Resource policies of functions and layer versions: what they are made of, and how they change.
//!
//! They are stored exactly as they are shown. Source: AWS Lambda developer guide, "Viewing resource-based IAM
//! policies in Lambda", and the API reference of `AddPermission` and `AddLayerVersionPermission`.

mod statement;

use serde::{Deserialize, Serialize};

use crate::errors::{self, Failure, Outcome};
pub(crate) use statement::{Condition, Principal, Statement};

/// The most bytes of a policy's document ("Lambda quotas": 20 KB).
const DOCUMENT_BYTES_MAX: usize = 20_480;

/// A policy's record: the statements, in the order in which they were added. There is none without a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) statements: Vec<Statement>,
    /// Changes with the policy. A function's policy has none: there the version's or alias's own one counts.
    pub(crate) revision_id: Option<String>,
}

/// A policy as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'static str,
    id: &'static str,
    statement: &'a [Statement],
}

impl Policy {
    /// The policy as a JSON document.
    ///
    /// # Errors
    /// Our own fault only.
    pub(crate) fn document(&self) -> Outcome<String> {
        to_json(&Document { version: "2012-10-17", id: "default", statement: &self.statements })
    }

    /// Adds a statement.
    ///
    /// # Errors
    /// `ResourceConflictException` when there is one of this id, `PolicyLengthExceededException`.
    pub(crate) fn add(&mut self, statement: Statement) -> Outcome<()> {
        if self.statements.iter().any(|other| other.sid == statement.sid) {
            return Err(errors::conflict(format!(
                "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
                 existing statement.",
                statement.sid
            )));
        }
        self.statements.push(statement);
        let size = self.document()?.len();
        if size > DOCUMENT_BYTES_MAX {
            let message =
                format!("The final policy size ({size}) is bigger than the limit ({DOCUMENT_BYTES_MAX}).");
            return Err(errors::policy_too_long(message));
        }
        Ok(())
    }

    /// Removes a statement. A policy without statements is none: `None` then.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is none of this id.
    pub(crate) fn remove(mut self, sid: &str) -> Outcome<Option<Self>> {
        let before = self.statements.len();
        self.statements.retain(|statement| statement.sid != sid);
        if self.statements.len() == before {
            return Err(errors::not_found(format!("Statement {sid} is not found in resource policy.")));
        }
        Ok((!self.statements.is_empty()).then_some(self))
    }
}

/// A statement, or what is made of them, as JSON.
///
/// # Errors
/// Our own fault only.
pub(crate) fn to_json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(|error| Failure::Internal(error.to_string()))
}

/// The policy, for an operation that needs one.
///
/// # Errors
/// `ResourceNotFoundException`.
pub(crate) fn existing<P>(policy: Option<P>) -> Outcome<P> {
    policy.ok_or_else(|| errors::not_found("No policy is associated with the given resource."))
}
