//! Policies about who may assume a role: their form, and what they say about an attempt.
//!
//! Whether the principals they name exist is not checked: there are no users here whose names could be looked up.

mod evaluation;

use ids::{AccountId, Arn};
use wire::Error;

use super::{Document, Principals, SYNTAX, Statement, members, sids_are_unique, size};
use crate::errors::{limit_exceeded, malformed_policy};

pub(crate) use evaluation::{Attempt, Principal, Verdict};

/// "Role trust policy length: 2,048 characters" (IAM user guide, "IAM and AWS STS quotas").
const SIZE_MAX: usize = 2_048;

/// A trust policy whose form was checked.
#[derive(Debug)]
pub(crate) struct TrustPolicy(Document);

impl TrustPolicy {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`, and `LimitExceeded` when it is too large.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let policy = read(text).map_err(malformed_policy)?;
        if size(text) > SIZE_MAX {
            return Err(limit_exceeded(format!("Cannot exceed quota for ACLSizePerRole: {SIZE_MAX}")));
        }
        Ok(policy)
    }
}

fn read(text: &str) -> Result<TrustPolicy, String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| "This policy contains invalid Json")?;
    let document: Document = serde_json::from_str(text).map_err(|_| SYNTAX)?;
    if !matches!(document.version.as_deref(), None | Some("2012-10-17" | "2008-10-17")) {
        return Err("The policy must contain a valid version string".into());
    }
    let statements = document.statement.as_slice();
    if statements.is_empty() {
        return Err("Could not parse the policy: Statement is empty!".into());
    }
    if !sids_are_unique(statements) {
        return Err("The Statement Ids in the policy are not unique".into());
    }
    statements.iter().try_for_each(check_statement)?;
    Ok(TrustPolicy(document))
}

fn check_statement(statement: &Statement) -> Result<(), String> {
    match statement.effect.as_deref() {
        Some("Allow" | "Deny") => {}
        Some(effect) => return Err(format!("Invalid effect: {effect}")),
        None => return Err("Missing required field Effect".into()),
    }
    if statement.not_principal.is_some() {
        return Err("AssumeRole policy must not contain NotPrincipal field.".into());
    }
    let principals = statement.principal.as_ref().ok_or("Missing required field Principal")?;
    check_principals(principals)?;
    if statement.action.is_some() && statement.not_action.is_some() {
        return Err(SYNTAX.into());
    }
    let actions = members(statement.action.as_ref().or(statement.not_action.as_ref()));
    if actions.is_empty() {
        return Err("Missing required field Action".into());
    }
    let is_of_sts = |action: &String| action == "*" || action.to_ascii_lowercase().starts_with("sts:");
    if !actions.iter().all(is_of_sts) {
        return Err("AssumeRole policy may only specify STS AssumeRole actions.".into());
    }
    if statement.resource.is_some() {
        return Err("Has prohibited field Resource".into());
    }
    if statement.not_resource.is_some() {
        return Err("AssumeRole policy must not contain resources.".into());
    }
    Ok(())
}

fn check_principals(principals: &Principals) -> Result<(), String> {
    let invalid = |kind: &str, name: &str| Err(format!("Invalid principal in policy: \"{kind}\":\"{name}\""));
    let map = match principals {
        Principals::Everybody(text) if text == "*" => return Ok(()),
        Principals::Everybody(text) => return invalid("AWS", text),
        Principals::Of(map) => map,
    };
    let (aws, service) = (map.aws.as_slice(), map.service.as_slice());
    let (federated, canonical) = (map.federated.as_slice(), map.canonical_user.as_slice());
    if [aws, service, federated, canonical].iter().all(|list| list.is_empty()) {
        return Err("Missing required field Principal cannot be empty!".into());
    }
    if let Some(name) = canonical.first() {
        return invalid("CanonicalUser", name);
    }
    if let Some(name) = aws.iter().find(|name| !is_aws_principal(name)) {
        return invalid("AWS", name);
    }
    if let Some(name) = service.iter().find(|name| !name.contains('.') || name.contains(['*', '?', '/', ' ']))
    {
        return invalid("SERVICE", name);
    }
    match federated.iter().find(|name| name.is_empty()) {
        Some(name) => invalid("FEDERATED", name),
        None => Ok(()),
    }
}

/// Everybody, an account, or the ARN or unique id of somebody in it. "You cannot use a wildcard to match part of a
/// principal name or ARN" (IAM user guide, "Principal").
fn is_aws_principal(name: &str) -> bool {
    if name == "*" || AccountId::parse(name).is_ok() {
        return true;
    }
    if name.starts_with("AROA") || name.starts_with("AIDA") {
        return name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    }
    let Ok(arn) = Arn::parse(name) else { return false };
    let is_kind = |kinds: &[&str]| {
        kinds.iter().any(|kind| arn.resource.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()))
    };
    let fits = match arn.service.as_str() {
        "iam" => arn.resource == "root" || is_kind(&["user/", "role/"]),
        "sts" => is_kind(&["assumed-role/", "federated-user/"]),
        _ => false,
    };
    fits && arn.region.is_empty() && AccountId::parse(&arn.account).is_ok() && !name.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(fields: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{{{fields}}}]}}"#)
    }

    fn trusting(principal: &str) -> String {
        statement(&format!(r#""Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole""#))
    }

    #[test]
    fn well_formed_policies_are_taken() {
        for document in [
            trusting(r#""*""#),
            trusting(r#"{"AWS":"*"}"#),
            trusting(r#"{"AWS":["000000000000","arn:aws:iam::000000000000:root"]}"#),
            trusting(r#"{"AWS":["arn:aws:iam::000000000000:user/p/u","AROAEXAMPLE1"]}"#),
            trusting(r#"{"AWS":"arn:aws:sts::000000000000:assumed-role/r/s"}"#),
            trusting(r#"{"Service":["lambda.amazonaws.com","states.eu-central-1.amazonaws.com"]}"#),
            trusting(r#"{"Federated":"cognito-identity.amazonaws.com"}"#),
            statement(
                r#""Effect":"Deny","Principal":"*","NotAction":["sts:TagSession"],
                   "Condition":{"Bool":{"aws:MultiFactorAuthPresent":false},"NumericLessThan":{"a:b":1}}"#,
            ),
        ] {
            assert!(read(&document).is_ok(), "{document}");
        }
    }

    #[test]
    fn what_is_malformed_is_said_in_aws_words() {
        for (document, text) in [
            ("nonsense".to_owned(), "This policy contains invalid Json"),
            ("{".to_owned(), "This policy contains invalid Json"),
            ("[]".to_owned(), SYNTAX),
            (r#"{"Statement":"s"}"#.to_owned(), SYNTAX),
            (trusting(r#"{"Aws":"*"}"#), SYNTAX),
            (statement(r#""Effect":"Allow","Effect":"Deny","Principal":"*","Action":"sts:*""#), SYNTAX),
            ("{}".to_owned(), "Could not parse the policy: Statement is empty!"),
            (r#"{"Version":"2020-01-01"}"#.to_owned(), "The policy must contain a valid version string"),
            (
                r#"{"Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},
                   {"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#
                    .to_owned(),
                "The Statement Ids in the policy are not unique",
            ),
            (statement(r#""Principal":"*","Action":"sts:AssumeRole""#), "Missing required field Effect"),
            (
                statement(r#""Effect":"Perhaps","Principal":"*","Action":"sts:AssumeRole""#),
                "Invalid effect: Perhaps",
            ),
            (statement(r#""Effect":"Allow","Action":"sts:AssumeRole""#), "Missing required field Principal"),
            (trusting("{}"), "Missing required field Principal cannot be empty!"),
            (trusting(r#""somebody""#), r#"Invalid principal in policy: "AWS":"somebody""#),
            (
                trusting(r#"{"AWS":"arn:aws:iam::000000000000:role/*"}"#),
                r#"Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:role/*""#,
            ),
            (
                trusting(r#"{"AWS":"arn:aws:iam::0:root"}"#),
                r#"Invalid principal in policy: "AWS":"arn:aws:iam::0:root""#,
            ),
            (trusting(r#"{"Service":"lambda"}"#), r#"Invalid principal in policy: "SERVICE":"lambda""#),
            (
                statement(r#""Effect":"Deny","NotPrincipal":"*","Action":"sts:AssumeRole""#),
                "AssumeRole policy must not contain NotPrincipal field.",
            ),
            (statement(r#""Effect":"Allow","Principal":"*""#), "Missing required field Action"),
            (
                statement(r#""Effect":"Allow","Principal":"*","Action":["sts:AssumeRole","s3:GetObject"]"#),
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (
                statement(r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#),
                "Has prohibited field Resource",
            ),
            (
                statement(r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","NotResource":"*""#),
                "AssumeRole policy must not contain resources.",
            ),
        ] {
            assert_eq!(read(&document).map(drop), Err(text.to_owned()), "{document}");
        }
    }

    #[test]
    fn the_size_is_limited_but_white_space_is_not() {
        let empty = trusting(r#"{"Federated":""}"#);
        let of_size = |size_wanted: usize| {
            let name = "x".repeat(size_wanted - size(&empty));
            trusting(&format!(r#"{{"Federated":"{name}"}}"#))
        };
        assert!(TrustPolicy::parse(&format!("{}{}", of_size(SIZE_MAX), " ".repeat(9))).is_ok());
        let error = TrustPolicy::parse(&of_size(SIZE_MAX + 1)).map(drop).unwrap_err();
        assert_eq!(error.code(), "LimitExceeded");
        assert_eq!(error.message(), Some("Cannot exceed quota for ACLSizePerRole: 2048"));
    }
}
