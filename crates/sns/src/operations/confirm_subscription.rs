//! `ConfirmSubscription`.

use api_sns::{ConfirmSubscriptionInput, ConfirmSubscriptionResponse};
use store::Transaction;
use wire::Context;

use crate::Sns;
use crate::errors::{Failure, Outcome, invalid};
use crate::subscription::{self, id_of_token};
use crate::tables::subscription::{SUBSCRIPTIONS, SubscriptionRecord};
use crate::topic::{TRIES_MAX, TopicKey, parse_arn};

/// It need not be signed: the token is the proof, and the ARN says whose topic it is.
pub(crate) async fn run(
    sns: &Sns,
    context: &Context,
    input: ConfirmSubscriptionInput,
) -> Outcome<ConfirmSubscriptionResponse> {
    let arn = parse_arn(&input.topic_arn, "TopicArn")?;
    let key = TopicKey::of_arn(&arn).ok_or_else(|| invalid("TopicArn"))?;
    let id = id_of_token(&input.token)?;
    let is_signed = context.caller.access_key_id.is_some();
    let authenticate = match input.authenticate_on_unsubscribe.as_deref().map(str::to_ascii_lowercase) {
        None => false,
        Some(flag) if flag == "false" || flag.is_empty() => false,
        Some(flag) if flag == "true" && is_signed => true,
        Some(_) => return Err(invalid("AuthenticateOnUnsubscribe")),
    };
    let now = sns.parts.clock.now();
    for _ in 0..TRIES_MAX {
        let snapshot = sns.snapshot().await?;
        let row = SUBSCRIPTIONS.get(&*snapshot, &key.parts_and(&id)).await?;
        let row = row.ok_or_else(|| invalid("Token"))?;
        let token = row.record.token.as_ref();
        if !token.is_some_and(|token| token.text == input.token && token.expires > now) {
            return Err(invalid("Token"));
        }
        let answer = ConfirmSubscriptionResponse { subscription_arn: Some(subscription::arn(&key, &id)) };
        if row.record.confirmed {
            return Ok(answer);
        }
        let record = SubscriptionRecord {
            confirmed: true,
            confirmed_with_authentication: is_signed,
            authenticate_on_unsubscribe: authenticate,
            ..row.record.clone()
        };
        let mut transaction = Transaction::new();
        SUBSCRIPTIONS.update(&mut transaction, &row, &record)?;
        match sns.commit(&key, transaction).await {
            Ok(()) => return Ok(answer),
            Err(Failure::Conflict) => {}
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Conflict)
}
