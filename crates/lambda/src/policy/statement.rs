//! One statement of a resource policy.

use std::collections::BTreeMap;

use api_lambda::AddPermissionRequest;
use ids::AccountId;
use serde::{Deserialize, Serialize};

use crate::errors::{self, Outcome};

/// A statement; its members stand in the order in which AWS writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Statement {
    pub(crate) sid: String,
    effect: Effect,
    pub(crate) principal: Principal,
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub(crate) condition: Condition,
}

/// Lambda's own operations can only allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Effect {
    Allow,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Principal {
    /// One of these, by its kind.
    One(Kind),
    /// `*`.
    Anyone(Anyone),
}

/// A principal of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// An AWS service, such as `s3.amazonaws.com`.
    Service(String),
    /// An account, a user or a role, by its ARN.
    #[serde(rename = "AWS")]
    Aws(String),
}

/// The text `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Anyone {
    #[serde(rename = "*")]
    Anyone,
}

/// What must hold besides, by operator and key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Condition {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    string_equals: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    arn_like: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bool: BTreeMap<String, String>,
}

impl Statement {
    /// A statement that allows.
    pub(crate) fn allow(
        sid: &str,
        principal: Principal,
        action: &str,
        resource: &str,
        condition: Condition,
    ) -> Self {
        Self {
            sid: sid.to_owned(),
            effect: Effect::Allow,
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            condition,
        }
    }
}

impl Principal {
    /// Reads a principal as `AddPermission` takes it: a service, an account, the ARN of one in IAM, or `*`.
    ///
    /// # Errors
    /// `InvalidParameterValueException`.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        // Alexa's principals are in a domain of their own: `alexa-appkit.amazon.com`.
        let is_service = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"]
            .iter()
            .any(|domain| text.strip_suffix(domain).is_some_and(|service| !service.is_empty()));
        if text == "*" {
            Ok(Self::Anyone(Anyone::Anyone))
        } else if is_service {
            Ok(Self::One(Kind::Service(text.to_owned())))
        } else if let Ok(account) = AccountId::parse(text) {
            Ok(Self::One(Kind::Aws(format!("arn:aws:iam::{account}:root"))))
        } else if is_iam_arn(text) {
            Ok(Self::One(Kind::Aws(text.to_owned())))
        } else {
            Err(errors::invalid_parameter(
                "The provided principal was invalid. Please check the principal and try again.",
            ))
        }
    }

    /// Whether `account` as a whole is meant.
    pub(crate) fn includes_account(&self, account: &AccountId) -> bool {
        match self {
            Self::Anyone(_) => true,
            Self::One(Kind::Aws(arn)) => *arn == format!("arn:aws:iam::{account}:root"),
            Self::One(Kind::Service(_)) => false,
        }
    }
}

/// Users, roles and federated sessions come with an account.
fn is_iam_arn(text: &str) -> bool {
    ids::Arn::parse(text).is_ok_and(|arn| {
        matches!(arn.service.as_str(), "iam" | "sts") && AccountId::parse(&arn.account).is_ok()
    })
}

impl Condition {
    /// What an `AddPermission` request asks for.
    pub(crate) fn of_permission(request: &AddPermissionRequest) -> Self {
        let auth_type = request.function_url_auth_type.as_ref().map(|auth_type| auth_type.as_str());
        let equals = [
            ("lambda:FunctionUrlAuthType", auth_type),
            ("aws:PrincipalOrgID", request.principal_org_id.as_deref()),
            ("AWS:SourceAccount", request.source_account.as_deref()),
            ("lambda:EventSourceToken", request.event_source_token.as_deref()),
        ];
        let via_url = request.invoked_via_function_url.unwrap_or(false).then_some("true");
        Self {
            string_equals: present(&equals),
            arn_like: present(&[("AWS:SourceArn", request.source_arn.as_deref())]),
            bool: present(&[("lambda:InvokedViaFunctionUrl", via_url)]),
        }
    }

    /// That the caller belongs to this organization, where one is named.
    pub(crate) fn of_organization(organization: Option<&str>) -> Self {
        Self { string_equals: present(&[("aws:PrincipalOrgID", organization)]), ..Self::default() }
    }

    /// Whether nothing must hold.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn present(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, String> {
    pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use wire::Error;

    use super::*;

    fn json(principal: &str, request: &AddPermissionRequest) -> String {
        let condition = Condition::of_permission(request);
        let principal = Principal::parse(principal).unwrap();
        let statement = Statement::allow("s", principal, "lambda:InvokeFunction", "arn", condition);
        let json = serde_json::to_string(&statement).unwrap();
        assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), statement, "it can be read again");
        json
    }

    #[test]
    fn each_kind_of_principal_is_written_as_aws_writes_it() {
        for (principal, written) in [
            ("s3.amazonaws.com", r#"{"Service":"s3.amazonaws.com"}"#),
            ("alexa-appkit.amazon.com", r#"{"Service":"alexa-appkit.amazon.com"}"#),
            ("000000000000", r#"{"AWS":"arn:aws:iam::000000000000:root"}"#),
            ("arn:aws:iam::000000000000:role/r", r#"{"AWS":"arn:aws:iam::000000000000:role/r"}"#),
            ("*", r#""*""#),
        ] {
            let expected = format!(
                r#"{{"Sid":"s","Effect":"Allow","Principal":{written},"Action":"lambda:InvokeFunction","Resource":"arn"}}"#
            );
            assert_eq!(json(principal, &AddPermissionRequest::default()), expected);
        }
    }

    #[test]
    fn what_is_no_principal_is_refused() {
        for text in ["", "invalid", ".amazonaws.com", "00000000000", "arn:aws:iam::x:root", "arn:aws:s3:::b"]
        {
            let error = Error::from(Principal::parse(text).unwrap_err());
            assert_eq!(error.code(), "InvalidParameterValueException", "{text}");
        }
    }

    #[test]
    fn every_condition_is_written_under_its_operator() {
        let request = AddPermissionRequest {
            source_arn: Some("arn:aws:s3:::b".to_owned()),
            source_account: Some("000000000000".to_owned()),
            event_source_token: Some("token".to_owned()),
            principal_org_id: Some("o-1234567890".to_owned()),
            function_url_auth_type: Some("AWS_IAM".into()),
            invoked_via_function_url: Some(true),
            ..AddPermissionRequest::default()
        };
        let json: serde_json::Value = serde_json::from_str(&json("*", &request)).unwrap();
        let expected = serde_json::json!({
            "StringEquals": {
                "AWS:SourceAccount": "000000000000",
                "aws:PrincipalOrgID": "o-1234567890",
                "lambda:EventSourceToken": "token",
                "lambda:FunctionUrlAuthType": "AWS_IAM",
            },
            "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::b" },
            "Bool": { "lambda:InvokedViaFunctionUrl": "true" },
        });
        assert_eq!(json["Condition"], expected);
    }
}
