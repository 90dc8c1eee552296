//! `AddPermission`.

use api_sns::AddPermissionInput;
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::topic::{self, Grant, TopicKey, add_statement, authorize};

pub(crate) async fn run(sns: &Sns, context: &Context, input: AddPermissionInput) -> Outcome<()> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let grant = Grant { label: &input.label, accounts: &input.aws_account_id, actions: &input.action_name };
    let change = |record: &mut _, _: &mut _| {
        authorize(context, &key, record, "AddPermission")?;
        add_statement(&key, record, &grant)
    };
    topic::change(sns, &key, change).await
}
