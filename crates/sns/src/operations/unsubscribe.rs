//! `Unsubscribe`.

use api_sns::UnsubscribeInput;
use store::{Row, Transaction};
use wire::Context;

use crate::Sns;
use crate::confirmation::{Occasion, ask};
use crate::errors::{Failure, Outcome, not_authorized};
use crate::fan_out::Batch;
use crate::subscription::{self, SubscriptionKey, endpoint_key, is_visible, make_token};
use crate::tables::subscription::{ENDPOINTS, SUBSCRIPTIONS, SubscriptionRecord};
use crate::tables::topic::{TOPICS, TopicRecord};
use crate::topic::{self, TRIES_MAX};
use crate::topics;

/// What does not exist is unsubscribed already.
pub(crate) async fn run(sns: &Sns, context: &Context, input: UnsubscribeInput) -> Outcome<()> {
    let key = SubscriptionKey::parse(&input.subscription_arn)?;
    let is_signed = context.caller.access_key_id.is_some();
    for _ in 0..TRIES_MAX {
        let snapshot = sns.snapshot().await?;
        let row = match subscription::find(&*snapshot, &key, sns.parts.clock.now()).await {
            Ok(row) => row,
            Err(Failure::Answer(_)) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let is_owner = is_signed && is_visible(context, &key, &row.record);
        if !is_owner && (is_signed || row.record.authenticate_on_unsubscribe) {
            return Err(not_authorized(format!(
                "User: {} is not authorized to perform: SNS:Unsubscribe on resource: {}",
                context.caller.arn, input.subscription_arn
            )));
        }
        let topic = topic::find(&*snapshot, &key.topic).await?;
        // "A final cancellation message is delivered to the endpoint, so that the endpoint owner can easily resubscribe."
        let result = if !is_owner && row.record.protocol.needs_confirmation() && row.record.confirmed {
            suspend(sns, &key, &row).await
        } else {
            delete(sns, &key, &row, &topic).await
        };
        match result {
            Err(Failure::Conflict) => {}
            other => return other,
        }
    }
    Err(Failure::Conflict)
}

async fn delete(
    sns: &Sns,
    key: &SubscriptionKey,
    row: &Row<SubscriptionRecord>,
    topic: &Row<TopicRecord>,
) -> Outcome<()> {
    let mut transaction = Transaction::new();
    let endpoint = endpoint_key(row.record.protocol, &row.record.endpoint);
    SUBSCRIPTIONS.delete_row(&mut transaction, row);
    ENDPOINTS.delete(&mut transaction, &key.topic.parts_and(&endpoint));
    let subscriptions_deleted = topic.record.subscriptions_deleted.saturating_add(1);
    let record = TopicRecord { subscriptions_deleted, ..topic.record.clone() };
    TOPICS.update(&mut transaction, topic, &record)?;
    sns.commit(&key.topic, transaction).await
}

/// It waits for a confirmation again, and lapses without one.
async fn suspend(sns: &Sns, key: &SubscriptionKey, row: &Row<SubscriptionRecord>) -> Outcome<()> {
    let topic = topics::get(sns, &key.topic).await?;
    let token = make_token(&sns.parts.ids, &key.id, sns.parts.clock.now());
    let record = SubscriptionRecord { confirmed: false, token: Some(token), ..row.record.clone() };
    let mut batch = Batch::new(Transaction::new());
    SUBSCRIPTIONS.update(&mut batch.transaction, row, &record)?;
    ask(sns, &mut batch, &topic, &key.id, &record, Occasion::Unsubscribed).await?;
    let committed = batch.commit(sns).await;
    sns.topics.forget(&key.topic);
    Ok(committed?)
}
