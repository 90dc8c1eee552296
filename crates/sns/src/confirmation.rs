//! Asking an endpoint's owner to confirm a subscription. Source: Amazon SNS developer guide, "Parsing Amazon SNS message
//! formats".

use crate::Sns;
use crate::delivery_policy::{MANAGED, http_policy};
use crate::errors::Outcome;
use crate::fan_out::{Batch, put_delivery, sender_name};
use crate::notification::Request;
use crate::outbox;
use crate::subscription::{self, subscribe_url};
use crate::tables::delivery::{Content, Delivery, QueueContent};
use crate::tables::outbox::OutboxEntry;
use crate::tables::subscription::{Protocol, SubscriptionRecord};
use crate::topics::Topic;

/// Why it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Somebody subscribed.
    Subscribed,
    /// Somebody unsubscribed without a signature: that can be undone.
    Unsubscribed,
}

/// Adds to `batch`: ask the owner of this subscription's endpoint. Its token says with what.
///
/// # Errors
/// Our own fault only.
pub(crate) async fn ask(
    sns: &Sns,
    batch: &mut Batch,
    topic: &Topic,
    id: &str,
    record: &SubscriptionRecord,
    occasion: Occasion,
) -> Outcome<()> {
    let (message_id, now) = (sns.parts.ids.request_id().to_string(), sns.parts.clock.now());
    let arn = subscription::arn(&topic.key, id);
    let token = record.token.as_ref().map(|token| token.text.as_str()).unwrap_or_default();
    let kind = match occasion {
        Occasion::Subscribed => "SubscriptionConfirmation",
        Occasion::Unsubscribed => "UnsubscribeConfirmation",
    };
    let request = Request { kind, message_id: &message_id, at: now, subscription_arn: &arn, token };
    let (content, retries) = match record.protocol {
        Protocol::Http | Protocol::Https => {
            let policy =
                http_policy(topic.record.attribute("DeliveryPolicy"), record.attribute("DeliveryPolicy"));
            let body = request.envelope(sns, topic).await?;
            (Content::Http { content_type: policy.content_type, raw: false, body }, policy.retries)
        }
        Protocol::Sqs => {
            let body = request.envelope(sns, topic).await?;
            (Content::Queue(QueueContent { body, ..QueueContent::default() }), MANAGED)
        }
        Protocol::Email | Protocol::EmailJson | Protocol::Sms | Protocol::Lambda => {
            let entry = email(sns, topic, record, &request).await?;
            return outbox::put(sns, &mut batch.transaction, &entry).await;
        }
    };
    let delivery = Delivery {
        topic: topic.key.clone(),
        subscription_arn: arn.clone(),
        endpoint: record.endpoint.clone(),
        kind: kind.to_owned(),
        content,
        retries,
        dead_letter: None,
        trace_header: None,
    };
    put_delivery(&mut batch.transaction, &delivery, &message_id, id, now, 0)?;
    batch.deliveries = true;
    Ok(())
}

async fn email(
    sns: &Sns,
    topic: &Topic,
    record: &SubscriptionRecord,
    request: &Request<'_>,
) -> Outcome<OutboxEntry> {
    let body = if record.protocol == Protocol::EmailJson {
        request.envelope(sns, topic).await?
    } else {
        request.text(topic)
    };
    let subject = match request.kind {
        "UnsubscribeConfirmation" => "AWS Notification - Unsubscribe Confirmation",
        _ => "AWS Notification - Subscription Confirmation",
    };
    Ok(OutboxEntry {
        at: request.at,
        protocol: record.protocol.as_str().to_owned(),
        to: record.endpoint.clone(),
        from: Some(sender_name(topic)),
        topic_arn: Some(topic.arn.clone()),
        subscription_arn: Some(request.subscription_arn.to_owned()),
        message_id: request.message_id.to_owned(),
        subject: Some(subject.to_owned()),
        body,
        token: Some(request.token.to_owned()),
        subscribe_url: Some(subscribe_url(&sns.parts.endpoint, &topic.key, request.token)),
    })
}
