//! `GetSubscriptionAttributes`.

use api_sns::{GetSubscriptionAttributesInput, GetSubscriptionAttributesResponse};
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, subscription_missing};
use crate::subscription::{self, SubscriptionKey, is_visible, show};
use crate::topics;

pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: GetSubscriptionAttributesInput,
) -> Outcome<GetSubscriptionAttributesResponse> {
    let key = SubscriptionKey::parse(&input.subscription_arn)?;
    let snapshot = sns.snapshot().await?;
    let record = subscription::find(&*snapshot, &key, sns.parts.clock.now()).await?.record;
    if !is_visible(context, &key, &record) {
        return Err(subscription_missing());
    }
    let topic = match topics::get(sns, &key.topic).await {
        Ok(topic) => Some(topic),
        Err(Failure::Answer(_)) => None,
        Err(failure) => return Err(failure),
    };
    let attributes = show(topic.as_deref(), &key, &record);
    Ok(GetSubscriptionAttributesResponse { attributes: Some(attributes) })
}
