//! Policies about what a role may do. Their form is checked; nothing here evaluates them.

use wire::Error;

use super::{Document, SYNTAX, Statement, members, sids_are_unique, size};
use crate::errors::{limit_exceeded, malformed_policy};

/// "Role policy size cannot exceed 10,240 characters": all inline policies of a role together (IAM user guide,
/// "IAM and AWS STS quotas").
const SIZE_MAX: usize = 10_240;

/// Checks `document`, and that a role may have it beside its other inline policies.
///
/// # Errors
/// `MalformedPolicyDocument`, and `LimitExceeded` when they are too large together.
pub(crate) fn check_identity_policies<'a>(
    role_name: &str,
    document: &str,
    others: impl Iterator<Item = &'a String>,
) -> Result<(), Error> {
    check_form(document).map_err(malformed_policy)?;
    let total = size(document) + others.map(|other| size(other)).sum::<usize>();
    if total > SIZE_MAX {
        let text = format!("Maximum policy size of {SIZE_MAX} bytes exceeded for role {role_name}");
        return Err(limit_exceeded(text));
    }
    Ok(())
}

fn check_form(text: &str) -> Result<(), String> {
    let document: Document = serde_json::from_str(text).map_err(|_| SYNTAX)?;
    let statements = document.statement.as_slice();
    if statements.is_empty() {
        return Err(SYNTAX.into());
    }
    match document.version.as_deref() {
        Some("2012-10-17") => {}
        Some("2008-10-17") | None => {
            return Err("Policy document must be version 2012-10-17 or greater.".into());
        }
        Some(_) => return Err(SYNTAX.into()),
    }
    if !sids_are_unique(statements) {
        return Err("Statement IDs (SID) in a single policy must be unique.".into());
    }
    statements.iter().try_for_each(check_statement)
}

fn check_statement(statement: &Statement) -> Result<(), String> {
    if !matches!(statement.effect.as_deref(), Some("Allow" | "Deny"))
        || (statement.action.is_some() && statement.not_action.is_some())
        || (statement.resource.is_some() && statement.not_resource.is_some())
    {
        return Err(SYNTAX.into());
    }
    if statement.principal.is_some() || statement.not_principal.is_some() {
        return Err("Policy document should not specify a principal.".into());
    }
    let actions = members(statement.action.as_ref().or(statement.not_action.as_ref()));
    if actions.is_empty() {
        return Err("Policy statement must contain actions.".into());
    }
    let resources = members(statement.resource.as_ref().or(statement.not_resource.as_ref()));
    if resources.is_empty() {
        return Err("Policy statement must contain resources.".into());
    }
    for action in actions.iter().filter(|action| *action != "*") {
        match action.matches(':').count() {
            0 => {
                let text = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
                return Err(text.into());
            }
            1 => {}
            _ => return Err("Actions/Condition can contain only one colon.".into()),
        }
    }
    match resources.iter().find(|resource| *resource != "*" && !resource.starts_with("arn:")) {
        Some(resource) => Err(format!("Resource {resource} must be in ARN format or \"*\".")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(fields: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": {{{fields}}}}}"#)
    }

    #[test]
    fn well_formed_policies_are_taken() {
        for document in [
            statement(r#""Effect":"Allow","Action":"s3:*","Resource":"*""#),
            statement(r#""Effect":"Deny","NotAction":["s3:*","*"],"NotResource":["arn:aws:s3:::b/*"]"#),
            statement(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":true}}"#),
            r#"{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"","Effect":"Allow","Action":"a:b",
               "Resource":"*"},{"Sid":"","Effect":"Allow","Action":"a:b","Resource":"*"}]}"#
                .to_owned(),
        ] {
            assert_eq!(check_form(&document), Ok(()), "{document}");
        }
    }

    #[test]
    fn what_is_malformed_is_said_in_aws_words() {
        let vendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
        for (document, text) in [
            ("nonsense".to_owned(), SYNTAX),
            ("[]".to_owned(), SYNTAX),
            (r#"{"Version":"2012-10-17"}"#.to_owned(), SYNTAX),
            (r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), SYNTAX),
            (r#"{"Version":"2012-10-17","Statement":[],"Extra":1}"#.to_owned(), SYNTAX),
            (statement(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Extra":1"#), SYNTAX),
            (statement(r#""Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*""#), SYNTAX),
            (statement(r#""Action":"s3:*","Resource":"*""#), SYNTAX),
            (statement(r#""Effect":"Perhaps","Action":"s3:*","Resource":"*""#), SYNTAX),
            (statement(r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#), SYNTAX),
            (statement(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":"c""#), SYNTAX),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#.to_owned(),
                "Policy document must be version 2012-10-17 or greater.",
            ),
            (
                r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"a:b","Resource":"*"},
                   {"Sid":"a","Effect":"Allow","Action":"a:b","Resource":"*"}]}"#
                    .to_owned(),
                "Statement IDs (SID) in a single policy must be unique.",
            ),
            (
                statement(r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#),
                "Policy document should not specify a principal.",
            ),
            (statement(r#""Effect":"Allow","Resource":"*""#), "Policy statement must contain actions."),
            (statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), "Policy statement must contain actions."),
            (statement(r#""Effect":"Allow","Action":"a:b""#), "Policy statement must contain resources."),
            (statement(r#""Effect":"Allow","Action":"GetObject","Resource":"*""#), vendor),
            (
                statement(r#""Effect":"Allow","Action":"a:b:c","Resource":"*""#),
                "Actions/Condition can contain only one colon.",
            ),
            (
                statement(r#""Effect":"Allow","Action":"a:b","Resource":"bucket""#),
                "Resource bucket must be in ARN format or \"*\".",
            ),
        ] {
            assert_eq!(check_form(&document), Err(text.to_owned()), "{document}");
        }
    }

    #[test]
    fn all_inline_policies_count_together_and_white_space_does_not() {
        let document = statement(r#""Effect":"Allow","Action":"s3:*","Resource":"*""#);
        let room = SIZE_MAX - size(&document);
        let check = |other: &String| check_identity_policies("r", &document, [other].into_iter());
        assert!(check(&"x".repeat(room)).is_ok());
        assert!(check(&format!("{}{}", "x".repeat(room), " \n\t\r".repeat(9))).is_ok());
        let error = check(&"x".repeat(room + 1)).unwrap_err();
        assert_eq!(error.code(), "LimitExceeded");
        assert_eq!(error.message(), Some("Maximum policy size of 10240 bytes exceeded for role r"));
    }
}
