//! A topic's access policy: what it is by default, how permissions are added and removed, and whether it lets
//! another account in. An account's own topics are open to all of its principals.

use ids::AccountId;
use serde_json::{Value, json};
use wire::Context;

use crate::errors::{Outcome, invalid, not_authorized};
use crate::tables::topic::TopicRecord;
use crate::topic::TopicKey;

/// The actions of a topic that a policy can name.
const ACTIONS: [&str; 8] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
];

/// What `AddPermission` asks for.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) label: &'a str,
    pub(crate) accounts: &'a [String],
    pub(crate) actions: &'a [String],
}

/// The policy that AWS gives a topic.
pub(crate) fn default_policy(key: &TopicKey) -> String {
    let actions: Vec<String> = ACTIONS.iter().map(|action| format!("SNS:{action}")).collect();
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": actions,
            "Resource": key.arn(),
            "Condition": { "StringEquals": { "AWS:SourceOwner": key.account.as_str() } },
        }],
    })
    .to_string()
}

fn policy_of(key: &TopicKey, record: &TopicRecord) -> Outcome<Value> {
    let text = record.attribute("Policy").map_or_else(|| default_policy(key), str::to_owned);
    Ok(serde_json::from_str(&text)?)
}

/// The topic's policy with one statement more.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn add_statement(key: &TopicKey, record: &mut TopicRecord, grant: &Grant<'_>) -> Outcome<()> {
    let accounts = grant.accounts.iter().map(|account| {
        AccountId::parse(account)
            .map(|account| Value::from(format!("arn:aws:iam::{account}:root")))
            .map_err(|_| invalid("AWSAccountId Reason: An account id has 12 digits"))
    });
    let actions = grant.actions.iter().map(|action| {
        let known = ACTIONS.iter().chain(&["Receive"]).any(|known| known == action);
        let wrong = || invalid("Policy statement action out of service scope!");
        (known || action == "*").then(|| Value::from(format!("SNS:{action}"))).ok_or_else(wrong)
    });
    let accounts: Vec<Value> = accounts.collect::<Outcome<_>>()?;
    let actions: Vec<Value> = actions.collect::<Outcome<_>>()?;
    let mut policy = policy_of(key, record)?;
    let statements = statements_of(&mut policy)?;
    if statements.iter().any(|statement| statement["Sid"] == grant.label) {
        return Err(invalid("Statement already exists"));
    }
    statements.push(json!({
        "Sid": grant.label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(accounts) },
        "Action": one_or_all(actions),
        "Resource": key.arn(),
    }));
    record.attributes.insert("Policy".to_owned(), policy.to_string());
    Ok(())
}

/// The topic's policy without the statement of this label. There need not be one.
///
/// # Errors
/// Our own fault only.
pub(crate) fn remove_statement(key: &TopicKey, record: &mut TopicRecord, label: &str) -> Outcome<()> {
    let mut policy = policy_of(key, record)?;
    statements_of(&mut policy)?.retain(|statement| statement["Sid"] != label);
    record.attributes.insert("Policy".to_owned(), policy.to_string());
    Ok(())
}

fn statements_of(policy: &mut Value) -> Outcome<&mut Vec<Value>> {
    // A policy may have its only statement without a list around it.
    let statement = &mut policy["Statement"];
    if !statement.is_array() {
        *statement = Value::Array(vec![statement.take()]);
    }
    statement.as_array_mut().ok_or_else(|| invalid("Policy"))
}

fn one_or_all(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

/// Whether the caller may do this to the topic: it is the account's own, or its policy says so. Of a policy's
/// conditions only the owner's account is understood; a statement with any other allows nothing.
///
/// # Errors
/// `AuthorizationError`.
pub(crate) fn authorize(
    context: &Context,
    key: &TopicKey,
    record: &TopicRecord,
    action: &str,
) -> Outcome<()> {
    if context.account == key.account {
        return Ok(());
    }
    let mut policy = policy_of(key, record)?;
    let statements = statements_of(&mut policy)?;
    let meant: Vec<&Value> = statements
        .iter()
        .filter(|statement| names_caller(statement, context) && names_action(statement, action))
        .collect();
    let allowed = meant.iter().any(|statement| statement["Effect"] == "Allow" && holds(statement, context));
    let denied = meant.iter().any(|statement| statement["Effect"] == "Deny");
    if allowed && !denied {
        return Ok(());
    }
    Err(not_authorized(format!(
        "User: {} is not authorized to perform: SNS:{action} on resource: {} because no resource-based policy allows \
         the SNS:{action} action",
        context.caller.arn,
        key.arn()
    )))
}

fn names_caller(statement: &Value, context: &Context) -> bool {
    let principal = &statement["Principal"];
    let named = if principal.is_string() { principal } else { &principal["AWS"] };
    let root = format!("arn:aws:iam::{}:root", context.account);
    texts(named).any(|name| {
        name == "*" || name == root || name == context.account.as_str() || name == context.caller.arn
    })
}

fn names_action(statement: &Value, action: &str) -> bool {
    texts(&statement["Action"]).any(|named| {
        let name = match named.split_once(':') {
            Some((service, name)) if service.eq_ignore_ascii_case("sns") => name,
            _ => named,
        };
        name == "*" || name.eq_ignore_ascii_case(action)
    })
}

fn holds(statement: &Value, context: &Context) -> bool {
    let Some(condition) = statement.get("Condition") else { return true };
    let (Some(operators), Some(keys)) = (condition.as_object(), condition["StringEquals"].as_object()) else {
        return false;
    };
    operators.len() == 1
        && keys.iter().all(|(key, value)| {
            let is_account = ["aws:sourceowner", "aws:sourceaccount", "aws:principalaccount"]
                .iter()
                .any(|known| key.eq_ignore_ascii_case(known));
            is_account && texts(value).any(|account| account == context.account.as_str())
        })
}

/// The text, or the texts of the list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let listed = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(listed.filter_map(Value::as_str))
}
