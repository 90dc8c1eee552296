//! `RemovePermission`.

use api_sns::RemovePermissionInput;
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::topic::{self, TopicKey, authorize, remove_statement};

pub(crate) async fn run(sns: &Sns, context: &Context, input: RemovePermissionInput) -> Outcome<()> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let change = |record: &mut _, _: &mut _| {
        authorize(context, &key, record, "RemovePermission")?;
        remove_statement(&key, record, &input.label)
    };
    topic::change(sns, &key, change).await
}
