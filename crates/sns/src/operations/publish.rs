//! `Publish`.

use api_sns::{PublishInput, PublishResponse};
use wire::Context;

use crate::Sns;
use crate::errors::{Outcome, invalid, unsupported};
use crate::fan_out::Batch;
use crate::message::{Draft, Sender, fits_sms};
use crate::operations::check_if_phone_number_is_opted_out::check_number;
use crate::outbox;
use crate::publish;
use crate::tables::outbox::OutboxEntry;
use crate::tables::sms::SMS_ATTRIBUTES;
use crate::tables::subscription::Protocol;
use crate::topic::{TopicKey, authorize};
use crate::topics;

pub(crate) async fn run(sns: &Sns, context: &Context, mut input: PublishInput) -> Outcome<PublishResponse> {
    let (topic, target, number) =
        (input.topic_arn.take(), input.target_arn.take(), input.phone_number.take());
    let draft = Draft::from(input);
    draft.check()?;
    let arn = match (topic, target, number) {
        (None, None, None) => {
            return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
        (None, None, Some(number)) => return send_text_message(sns, context, &number, draft).await,
        (Some(_), Some(_), _) | (_, _, Some(_)) => {
            return Err(invalid("Only one of TopicArn, TargetArn and PhoneNumber can be given"));
        }
        (Some(arn), ..) => arn,
        (_, Some(arn), _) if arn.contains(":endpoint/") => {
            return Err(unsupported("Publishing to endpoints of mobile apps"));
        }
        (_, Some(arn), _) => arn,
    };
    let key = TopicKey::parse(context, &arn)?;
    let topic = topics::get(sns, &key).await?;
    authorize(context, &key, &topic.record, "Publish")?;
    if draft.size_bytes() > topic.record.message_bytes_max() {
        return Err(invalid("Message too long"));
    }
    draft.check_for(&topic.record)?;
    let publication = draft.publication(Some(&topic.record), sender(sns, context))?;
    let mut published = publish::publish(sns, &key, vec![publication]).await?;
    let (message_id, number) = published.remove(0);
    Ok(PublishResponse {
        message_id: Some(message_id),
        sequence_number: number.map(|number| number.to_string()),
    })
}

/// A message of the caller's, with a fresh id.
pub(crate) fn sender(sns: &Sns, context: &Context) -> Sender {
    Sender {
        id: sns.parts.ids.request_id().to_string(),
        at: sns.parts.clock.now(),
        by: context.caller.arn.clone(),
        from: None,
        trace_header: context.trace_id.clone(),
    }
}

/// Of a text message no subscription hears: it has no topic.
async fn send_text_message(
    sns: &Sns,
    context: &Context,
    number: &str,
    draft: Draft,
) -> Outcome<PublishResponse> {
    check_number(number)?;
    if draft.deduplication_id.is_some() || draft.group_id.is_some() {
        return Err(invalid("MessageGroupId and MessageDeduplicationId are not valid for a PhoneNumber"));
    }
    let publication = draft.publication(None, sender(sns, context))?;
    let text = publication.texts.of_protocol(Protocol::Sms);
    if !fits_sms(text) {
        return Err(invalid("Message too long"));
    }
    let parts = [context.account.as_str().into(), context.region.as_str().into()];
    let settings = SMS_ATTRIBUTES.get_now(&*sns.parts.store, &parts).await?;
    let own =
        publication.attributes.get("AWS.SNS.SMS.SenderID").and_then(|attribute| match &attribute.value {
            targets::AttributeValue::String(name) => Some(name.clone()),
            targets::AttributeValue::Binary(_) => None,
        });
    let entry = OutboxEntry {
        at: publication.at,
        protocol: "sms".to_owned(),
        to: number.to_owned(),
        from: own
            .or_else(|| settings?.record.get("DefaultSenderID").cloned())
            .filter(|name| !name.is_empty()),
        topic_arn: None,
        subscription_arn: None,
        message_id: publication.id.clone(),
        subject: None,
        body: text.to_owned(),
        token: None,
        subscribe_url: None,
    };
    let mut batch = Batch::new(store::Transaction::new());
    outbox::put(sns, &mut batch.transaction, &entry).await?;
    batch.commit(sns).await?;
    Ok(PublishResponse { message_id: Some(publication.id), sequence_number: None })
}
