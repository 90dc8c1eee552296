//! `RemovePermission`: a statement leaves the queue's policy.

use api_sqs::RemovePermissionRequest;
use wire::{Context, Error};

use super::add_permission::set;
use crate::errors::{invalid_value, required};
use crate::service::Inner;
use crate::{policy, queue_url};

pub(crate) async fn handle(
    inner: &Inner,
    context: &Context,
    input: RemovePermissionRequest,
) -> Result<(), Error> {
    let queue = queue_url::find(inner, context, input.queue_url).await?;
    let label = required(input.label, "Label")?;
    let turn = inner.directory.turn().await;
    turn.change(&queue.key, |record| {
        let mut policy = policy::of(record, &queue.key.arn());
        let count = policy.statements.len();
        policy.statements.retain(|statement| policy::sid(statement) != Some(&label));
        if policy.statements.len() == count {
            return Err(invalid_value(&label, "Label", "can't find label."));
        }
        // A policy without statements is none.
        let text = if policy.statements.is_empty() { String::new() } else { policy.to_string() };
        set(record, text, inner, &queue.key)
    })
    .await
}
