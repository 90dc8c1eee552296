//! One message, all subscriptions of its topic: what has to be written so that each gets it.

mod batch;
mod matching;

use std::sync::Arc;

use clock::Timestamp;
use store::Transaction;
use targets::TargetError;

pub(crate) use batch::Batch;

use crate::Sns;
use crate::delivery_policy::MANAGED;
use crate::errors::Outcome;
use crate::fan_out::matching::Bodies;
use crate::hand_over::{dead_letter, hand_over};
use crate::message::Publication;
use crate::notification::Notification;
use crate::outbox;
use crate::stories::Fate;
use crate::tables::delivery::{Attempts, Content, DELIVERIES, DUE, DeadLetter, Delivery, QueueContent};
use crate::tables::outbox::OutboxEntry;
use crate::tables::subscription::Protocol;
use crate::topics::{Subscription, Topic};

/// "Raw message delivery … up to 10 message attributes … discarded as client-side errors" (developer guide, "Amazon SNS
/// raw message delivery").
const RAW_ATTRIBUTES_MAX: usize = 10;

/// Adds to `batch` what has to be written so that these subscriptions of the topic get the message.
///
/// # Errors
/// Our own fault only: what a subscriber does not accept goes elsewhere.
pub(crate) async fn fan_out(
    sns: &Sns,
    batch: &mut Batch,
    topic: &Topic,
    publication: &Publication,
    subscriptions: &[Arc<Subscription>],
) -> Outcome<()> {
    let mut notification = Notification::new(sns, topic, publication);
    let mut bodies = Bodies::default();
    for subscription in subscriptions {
        let text = publication.texts.of_protocol(subscription.record.protocol);
        if let Some(filter) = &subscription.filter
            && let Err(reasons) = matching::check(filter, publication, text, &mut bodies)
        {
            batch.note(topic, publication, Fate::FilteredOut(reasons));
            continue;
        }
        let mut one = One { sns, batch, topic, subscription, publication };
        match subscription.record.protocol {
            Protocol::Sqs => one.send_to_queue(&mut notification, text).await?,
            Protocol::Lambda => one.send_to_function(&mut notification, text).await?,
            Protocol::Http | Protocol::Https => one.send_over_http(&mut notification, text).await?,
            Protocol::Email | Protocol::EmailJson => one.send_email(&mut notification, text).await?,
            Protocol::Sms => one.send_text_message(text).await?,
        }
    }
    Ok(())
}

/// One subscription's share.
struct One<'a, 'b> {
    sns: &'a Sns,
    batch: &'b mut Batch,
    topic: &'a Topic,
    subscription: &'a Subscription,
    publication: &'a Publication,
}

impl<'a> One<'a, '_> {
    async fn send_to_queue(&mut self, notification: &mut Notification<'a>, text: &'a str) -> Outcome<()> {
        let Self { subscription, publication, .. } = *self;
        let mut content = self.queue_content();
        if subscription.record.is_raw() {
            text.clone_into(&mut content.body);
            content.attributes = publication.attributes.clone();
            for attribute in content.attributes.values_mut() {
                // SQS has no such type (observed).
                if attribute.data_type == "String.Array" {
                    "String".clone_into(&mut attribute.data_type);
                }
            }
        } else {
            content.body = notification.envelope(text, &subscription.arn).await?;
        }
        let too_many = content.attributes.len() > RAW_ATTRIBUTES_MAX;
        let dead_letter = subscription.dead_letter.clone().map(|queue| DeadLetter { queue, content: None });
        let delivery = self.delivery(Content::Queue(content), dead_letter);
        let result = if too_many {
            Err(TargetError::Refused("a raw message may have at most 10 message attributes".to_owned()))
        } else {
            hand_over(self.sns, &delivery, &publication.id).await
        };
        self.settle(delivery, result).await
    }

    async fn send_to_function(&mut self, notification: &mut Notification<'a>, text: &'a str) -> Outcome<()> {
        let Self { subscription, publication, .. } = *self;
        let payload = notification.event(text, &subscription.arn).await?;
        let dead_letter = self.enveloped_dead_letter(notification, text).await?;
        let delivery = self.delivery(Content::Function { payload }, dead_letter);
        let result = hand_over(self.sns, &delivery, &publication.id).await;
        self.settle(delivery, result).await
    }

    /// Written down: a subscriber is not waited for.
    async fn send_over_http(&mut self, notification: &mut Notification<'a>, text: &'a str) -> Outcome<()> {
        let Self { subscription, publication, .. } = *self;
        let raw = subscription.record.is_raw();
        let body = if raw { text.to_owned() } else { notification.envelope(text, &subscription.arn).await? };
        let dead_letter = if raw {
            let content = QueueContent {
                body: body.clone(),
                attributes: publication.attributes.clone(),
                ..self.queue_content()
            };
            let dead_letter = |queue| DeadLetter { queue, content: Some(content) };
            subscription.dead_letter.clone().map(dead_letter)
        } else {
            self.enveloped_dead_letter(notification, text).await?
        };
        let content = Content::Http { content_type: subscription.http.content_type.clone(), raw, body };
        let delivery = Delivery { retries: subscription.http.retries, ..self.delivery(content, dead_letter) };
        self.deliver_later(&delivery, publication.at, 0)
    }

    async fn send_email(&mut self, notification: &mut Notification<'a>, text: &'a str) -> Outcome<()> {
        let Self { sns, topic, subscription, publication, .. } = *self;
        let record = &subscription.record;
        let body = if record.protocol == Protocol::EmailJson {
            notification.envelope(text, &subscription.arn).await?
        } else {
            text.to_owned()
        };
        let entry = OutboxEntry {
            at: publication.at,
            protocol: record.protocol.as_str().to_owned(),
            to: record.endpoint.clone(),
            from: Some(sender_name(topic)),
            topic_arn: Some(topic.arn.clone()),
            subscription_arn: Some(subscription.arn.clone()),
            message_id: publication.id.clone(),
            // What AWS writes when there is none.
            subject: Some(
                publication.subject.clone().unwrap_or_else(|| "AWS Notification Message".to_owned()),
            ),
            body,
            token: None,
            subscribe_url: None,
        };
        outbox::put(sns, &mut self.batch.transaction, &entry).await?;
        self.sent(publication.id.clone());
        Ok(())
    }

    async fn send_text_message(&mut self, text: &str) -> Outcome<()> {
        let Self { sns, topic, subscription, publication, .. } = *self;
        let entry = OutboxEntry {
            at: publication.at,
            protocol: "sms".to_owned(),
            to: subscription.record.endpoint.clone(),
            from: Some(sender_name(topic)),
            topic_arn: Some(topic.arn.clone()),
            subscription_arn: Some(subscription.arn.clone()),
            message_id: publication.id.clone(),
            subject: None,
            body: text.to_owned(),
            token: None,
            subscribe_url: None,
        };
        outbox::put(sns, &mut self.batch.transaction, &entry).await?;
        self.sent(publication.id.clone());
        Ok(())
    }

    /// What a queue gets besides the body. The group is handed on from a FIFO topic to a FIFO queue, and from a
    /// standard topic to a standard queue (API reference, `Publish`, `MessageGroupId`).
    fn queue_content(&self) -> QueueContent {
        let Self { topic, subscription, publication, .. } = self;
        let fifo = topic.record.is_fifo();
        let to_fifo = subscription.record.endpoint.ends_with(".fifo")
            || subscription.dead_letter.as_ref().is_some_and(|queue| queue.ends_with(".fifo"));
        QueueContent {
            group_id: publication.group_id.clone().filter(|_| fifo == to_fifo),
            deduplication_id: publication.deduplication_id.clone().filter(|_| fifo && to_fifo),
            ..QueueContent::default()
        }
    }

    /// The envelope, for the dead-letter queue of what is no queue itself.
    async fn enveloped_dead_letter(
        &mut self,
        notification: &mut Notification<'a>,
        text: &'a str,
    ) -> Outcome<Option<DeadLetter>> {
        let Some(queue) = self.subscription.dead_letter.clone() else { return Ok(None) };
        let body = notification.envelope(text, &self.subscription.arn).await?;
        Ok(Some(DeadLetter { queue, content: Some(QueueContent { body, ..self.queue_content() }) }))
    }

    fn delivery(&self, content: Content, dead_letter: Option<DeadLetter>) -> Delivery {
        Delivery {
            topic: self.topic.key.clone(),
            subscription_arn: self.subscription.arn.clone(),
            endpoint: self.subscription.record.endpoint.clone(),
            kind: "Notification".to_owned(),
            content,
            retries: MANAGED,
            dead_letter,
            trace_header: self.publication.trace_header.clone(),
        }
    }

    /// A queue or function took it, will perhaps take it later, or never.
    async fn settle(
        &mut self,
        delivery: Delivery,
        result: Result<targets::Prepared, TargetError>,
    ) -> Outcome<()> {
        let Self { topic, publication, .. } = *self;
        match result {
            Ok(prepared) => {
                let id = prepared.id.clone();
                self.batch.join(prepared);
                self.sent(id);
                Ok(())
            }
            Err(TargetError::Unavailable(_)) => self.retry(&delivery),
            Err(refusal) => {
                self.batch.note(topic, publication, Fate::failed(&delivery, &refusal.to_string()));
                match dead_letter(self.sns, &delivery, &publication.id).await {
                    None => Ok(()),
                    Some(Ok(prepared)) => {
                        let fate = Fate::redriven(&delivery, &prepared.id);
                        self.batch.join(prepared);
                        self.batch.note(topic, publication, fate);
                        Ok(())
                    }
                    Some(Err(TargetError::Unavailable(_))) => self.retry(&delivery),
                    Some(Err(refusal)) => {
                        let fate = Fate::not_redriven(&delivery, &refusal.to_string());
                        self.batch.note(topic, publication, fate);
                        Ok(())
                    }
                }
            }
        }
    }

    fn retry(&mut self, delivery: &Delivery) -> Outcome<()> {
        let due = self.sns.parts.clock.now() + delivery.retries.delay(1).unwrap_or_default();
        self.deliver_later(delivery, due, 1)
    }

    fn deliver_later(&mut self, delivery: &Delivery, due: Timestamp, attempts: u32) -> Outcome<()> {
        let (message, subscription) = (self.publication.id.as_str(), self.subscription.id.as_str());
        put_delivery(&mut self.batch.transaction, delivery, message, subscription, due, attempts)?;
        self.batch.deliveries = true;
        self.batch.note(self.topic, self.publication, Fate::Pending);
        Ok(())
    }

    fn sent(&mut self, id: String) {
        let to = self.subscription.record.endpoint.clone();
        self.batch.note(self.topic, self.publication, Fate::Sent { to, id });
    }
}

/// Adds: deliver this at that time.
///
/// # Errors
/// When it is too large.
pub(crate) fn put_delivery(
    transaction: &mut Transaction,
    delivery: &Delivery,
    message: &str,
    subscription: &str,
    due: Timestamp,
    attempts: u32,
) -> Outcome<()> {
    DELIVERIES.put(transaction, &[message.into(), subscription.into()], delivery)?;
    DUE.put(transaction, &[due.into(), message.into(), subscription.into()], &Attempts(attempts))?;
    Ok(())
}

/// The name that e-mails and text messages come from.
pub(crate) fn sender_name(topic: &Topic) -> String {
    let name = topic.record.attribute("DisplayName").filter(|name| !name.is_empty());
    name.unwrap_or("AWS Notifications").to_owned()
}
