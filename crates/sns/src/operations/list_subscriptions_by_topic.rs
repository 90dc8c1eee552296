//! `ListSubscriptionsByTopic`.

use api_sns::{ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse};
use wire::Context;

use crate::Sns;
use crate::errors::Outcome;
use crate::operations::list_subscriptions::show;
use crate::page::{PAGE_LENGTH, cut, read_token};
use crate::tables::subscription::SUBSCRIPTIONS;
use crate::topic::{self, TopicKey, authorize};

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: ListSubscriptionsByTopicInput,
) -> Outcome<ListSubscriptionsByTopicResponse> {
    let key = TopicKey::parse(context, &input.topic_arn)?;
    let snapshot = sns.snapshot().await?;
    let topic = topic::find(&*snapshot, &key).await?;
    authorize(context, &key, &topic.record, "ListSubscriptionsByTopic")?;
    let prefix = SUBSCRIPTIONS.key(&key.parts());
    let after = read_token(input.next_token.as_deref(), &prefix)?;
    let mut rows = SUBSCRIPTIONS.list(&*snapshot, &key.parts(), after.as_deref(), PAGE_LENGTH + 1).await?;
    let next_token = cut(&mut rows, &prefix);
    let subscriptions = show(context, &rows, sns.parts.clock.now())?;
    Ok(ListSubscriptionsByTopicResponse { subscriptions: Some(subscriptions), next_token })
}
