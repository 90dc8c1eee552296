//! `SetSubscriptionAttributes`.

use std::collections::BTreeMap;

use api_sns::SetSubscriptionAttributesInput;
use store::Transaction;
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, subscription_missing};
use crate::operations::subscribe::normalize;
use crate::subscription::{self, Stage, SubscriptionKey, check, is_visible};
use crate::tables::subscription::SUBSCRIPTIONS;
use crate::topic::{self, TRIES_MAX};

pub(crate) async fn run(sns: &Sns, context: &Context, input: SetSubscriptionAttributesInput) -> Outcome<()> {
    let key = SubscriptionKey::parse(&input.subscription_arn)?;
    let mut changed = BTreeMap::new();
    changed.insert(input.attribute_name, input.attribute_value.unwrap_or_default());
    normalize(&mut changed);
    for _ in 0..TRIES_MAX {
        let snapshot = sns.snapshot().await?;
        let row = subscription::find(&*snapshot, &key, sns.parts.clock.now()).await?;
        if !is_visible(context, &key, &row.record) {
            return Err(subscription_missing());
        }
        let topic = topic::find(&*snapshot, &key.topic).await?;
        let mut record = row.record.clone();
        record.attributes.extend(changed.clone());
        check(&record, &changed, topic.record.is_fifo(), Stage::Set)?;
        let mut transaction = Transaction::new();
        SUBSCRIPTIONS.update(&mut transaction, &row, &record)?;
        match sns.commit(&key.topic, transaction).await {
            Err(Failure::Conflict) => {}
            other => return other,
        }
    }
    Err(Failure::Conflict)
}
