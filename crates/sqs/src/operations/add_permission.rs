//! `AddPermission`: one more statement in the queue's policy.

use api_sqs::AddPermissionRequest;
use serde_json::{Value, json};
use wire::{Context, Error};

use crate::errors::{invalid, invalid_value, missing, over_limit, required};
use crate::service::Inner;
use crate::tables::QueueRecord;
use crate::{attributes, policy, queue_url};

/// What one statement of this operation may permit: "AddPermission" in the API reference.
const ACTIONS: [&str; 9] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
];
const ACTIONS_MAX: usize = 7;

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: AddPermissionRequest,
) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let label = required(input.label, "Label")?;
    let accounts =
        input.aws_account_ids.filter(|ids| !ids.is_empty()).ok_or_else(|| missing("AWSAccountIds"))?;
    let actions = input.actions.filter(|actions| !actions.is_empty()).ok_or_else(|| missing("Actions"))?;
    check(&label, &accounts, &actions)?;
    let arn = queue.key.arn();
    let statement = json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_many(accounts.iter().map(|account| format!("arn:aws:iam::{account}:root"))) },
        "Action": one_or_many(actions.iter().map(|action| format!("SQS:{action}"))),
        "Resource": arn,
    });
    let turn = inner.directory.turn().await;
    turn.change(&queue.key, |record| {
        let mut policy = policy::of(record, &arn);
        if policy.statements.iter().any(|statement| policy::sid(statement) == Some(&label)) {
            return Err(invalid_value(&label, "Label", "Already exists."));
        }
        policy.statements.push(statement);
        set(record, policy.to_string(), inner, &queue.key)
    })
    .await
}

pub(super) fn set(
    record: &mut QueueRecord,
    policy: String,
    inner: &Inner,
    key: &crate::tables::QueueKey,
) -> Result<(), Error> {
    let given = attributes::Attributes::from([("Policy".to_owned(), policy)]);
    record.attributes = attributes::set(&record.attributes, &given, key)?;
    record.modified = inner.clock.now();
    Ok(())
}

fn check(label: &str, accounts: &[String], actions: &[String]) -> Result<(), Error> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if label.len() > 80 || !label.bytes().all(is_letter) {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.";
        return Err(invalid_value(label, "Label", reason));
    }
    if let Some(account) = accounts.iter().find(|account| ids::AccountId::parse(account).is_err()) {
        return Err(invalid(format!(
            "Value {account} for parameter PrincipalId is invalid. Reason: Unable to verify."
        )));
    }
    if actions.len() > ACTIONS_MAX {
        let count = actions.len();
        return Err(over_limit(format!("{count} Actions were found, maximum allowed is {ACTIONS_MAX}.")));
    }
    match actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        Some(action) => Err(invalid_value(
            format!("SQS:{action}"),
            "ActionName",
            "Please refer to the appropriate WSDL for a list of valid actions. ",
        )),
        None => Ok(()),
    }
}

fn one_or_many(texts: impl ExactSizeIterator<Item = String>) -> Value {
    let mut texts: Vec<String> = texts.collect();
    match texts.pop() {
        Some(only) if texts.is_empty() => Value::String(only),
        last => texts.into_iter().chain(last).collect(),
    }
}
