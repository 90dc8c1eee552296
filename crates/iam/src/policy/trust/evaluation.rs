//! Whether a trust policy allows an attempt to assume its role.
//!
//! An explicit denial overrides, and what nobody allows is denied (IAM user guide, "Policy evaluation logic"). Of
//! conditions only `StringEquals` on the facts of the attempt is understood. Where the outcome hangs on another
//! condition there is no verdict: guessing would either let strangers in or look like a mistake in the policy.

use super::TrustPolicy;
use crate::policy::{Principals, Statement, members};

/// Who wants to assume a role.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Principal<'a> {
    /// Somebody in an account, with all names that a policy may call them by.
    Aws(&'a [String]),
    /// An AWS service, such as `lambda.amazonaws.com`.
    Service(&'a str),
}

/// An attempt to assume a role (`sts:AssumeRole`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) principal: Principal<'a>,
    /// Condition keys, and the values they have in this attempt, if any.
    pub(crate) facts: &'a [(&'a str, Option<&'a str>)],
}

/// What a trust policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
    /// It hangs on this condition, which is not understood.
    Undecided(String),
}

/// Whether a statement's conditions hold.
enum Conditions {
    Met,
    Unmet,
    Unclear(String),
}

const ACTION: &str = "sts:AssumeRole";

impl TrustPolicy {
    /// What the policy says about `attempt`.
    pub(crate) fn evaluate(&self, attempt: Attempt<'_>) -> Verdict {
        let (mut allowed, mut perhaps_allowed, mut perhaps_denied) = (false, None, None);
        for statement in self.0.statement.as_slice() {
            if !names(statement, attempt.principal) || !covers_action(statement) {
                continue;
            }
            let denies = statement.effect.as_deref() != Some("Allow");
            match conditions(statement, attempt.facts) {
                Conditions::Unmet => {}
                Conditions::Met if denies => return Verdict::Denied,
                Conditions::Met => allowed = true,
                Conditions::Unclear(condition) if denies => perhaps_denied = Some(condition),
                Conditions::Unclear(condition) => perhaps_allowed = Some(condition),
            }
        }
        match (allowed, perhaps_allowed, perhaps_denied) {
            (true, _, None) => Verdict::Allowed,
            (true, _, Some(condition)) | (false, Some(condition), _) => Verdict::Undecided(condition),
            (false, None, _) => Verdict::Denied,
        }
    }
}

fn names(statement: &Statement, principal: Principal<'_>) -> bool {
    match (&statement.principal, principal) {
        (Some(Principals::Everybody(_)), Principal::Aws(_)) => true,
        (Some(Principals::Of(map)), Principal::Aws(names)) => {
            map.aws.as_slice().iter().any(|trusted| trusted == "*" || names.contains(trusted))
        }
        (Some(Principals::Of(map)), Principal::Service(name)) => {
            map.service.as_slice().iter().any(|trusted| trusted == name)
        }
        // Everybody is whoever is in an account; services are named.
        (Some(Principals::Everybody(_)), Principal::Service(_)) | (None, _) => false,
    }
}

fn covers_action(statement: &Statement) -> bool {
    let among = |actions: &[String]| actions.iter().any(|action| matches(action, ACTION));
    match &statement.not_action {
        Some(_) => !among(members(statement.not_action.as_ref())),
        None => among(members(statement.action.as_ref())),
    }
}

/// Whether `pattern`, in which `*` stands for any characters and `?` for one, describes `text`. Case does not matter.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on if what follows the last star does not fit.
    let mut star = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(letter) if *letter == b'?' || letter.eq_ignore_ascii_case(&text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((at_star, taken)) = star else { return false };
                star = Some((at_star, taken + 1));
                (at_pattern, at_text) = (at_star + 1, taken + 1);
            }
        }
    }
    pattern[at_pattern..].iter().all(|letter| *letter == b'*')
}

/// All conditions must hold; one that certainly does not settles it.
fn conditions(statement: &Statement, facts: &[(&str, Option<&str>)]) -> Conditions {
    let mut unclear = None;
    for (operator, keys) in &statement.condition.0 {
        for (key, values) in &keys.0 {
            // "Condition key names are not case-sensitive" (IAM user guide, "Condition").
            let fact = facts.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            match fact {
                Some((_, value)) if operator == "StringEquals" => {
                    let wanted = values.as_slice();
                    // A key without a value in the request equals nothing.
                    if !value.is_some_and(|value| wanted.iter().any(|wanted| wanted.to_string() == value)) {
                        return Conditions::Unmet;
                    }
                }
                _ => unclear = Some(format!("{operator} on {key}")),
            }
        }
    }
    unclear.map_or(Conditions::Met, Conditions::Unclear)
}

#[cfg(test)]
mod tests;
