//! `ListSubscriptions`.

use api_sns::{ListSubscriptionsInput, ListSubscriptionsResponse, Subscription};
use clock::Timestamp;
use store::Row;
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome};
use crate::page::{PAGE_LENGTH, cut, read_token};
use crate::subscription;
use crate::tables::subscription::{SUBSCRIPTIONS, SubscriptionRecord};
use crate::topic::TopicKey;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: ListSubscriptionsInput,
) -> Outcome<ListSubscriptionsResponse> {
    let parts = [context.account.as_str().into(), context.region.as_str().into()];
    let prefix = SUBSCRIPTIONS.key(&parts);
    let after = read_token(input.next_token.as_deref(), &prefix)?;
    let snapshot = sns.snapshot().await?;
    let mut rows = SUBSCRIPTIONS.list(&*snapshot, &parts, after.as_deref(), PAGE_LENGTH + 1).await?;
    let next_token = cut(&mut rows, &prefix);
    let subscriptions = show(context, &rows, sns.parts.clock.now())?;
    Ok(ListSubscriptionsResponse { subscriptions: Some(subscriptions), next_token })
}

/// Subscriptions to topics of the context's region, as lists show them; those that nobody confirmed in time are left
/// out.
pub(crate) fn show(
    context: &Context,
    rows: &[Row<SubscriptionRecord>],
    now: Timestamp,
) -> Outcome<Vec<Subscription>> {
    let living = rows.iter().filter(|row| !row.record.has_lapsed(now));
    let show = |row: &Row<SubscriptionRecord>| {
        let mut key = SUBSCRIPTIONS.read_key(&row.key)?;
        let (account, _region, name, id) = (key.str()?, key.str()?, key.str()?, key.str()?);
        let account =
            ids::AccountId::parse(&account).map_err(|error| Failure::Internal(error.to_string()))?;
        let topic = TopicKey { account, region: context.region.clone(), name };
        let record = &row.record;
        let arn =
            if record.confirmed { subscription::arn(&topic, &id) } else { "PendingConfirmation".to_owned() };
        Ok(Subscription {
            subscription_arn: Some(arn),
            owner: Some(record.owner.clone()),
            protocol: Some(record.protocol.as_str().to_owned()),
            endpoint: Some(record.endpoint.clone()),
            topic_arn: Some(topic.arn()),
        })
    };
    living.map(show).collect()
}
