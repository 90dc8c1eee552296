//! What subscribers get: the envelope around a message, the event of a function, and the messages that ask for a
//! confirmation. Source: Amazon SNS developer guide, "Parsing Amazon SNS message formats" and "Verifying the signatures
//! of Amazon SNS messages"; AWS Lambda developer guide, "Using AWS Lambda with Amazon SNS".

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::Timestamp;
use serde_json::{Map, Value, json};
use targets::{AttributeValue, Attributes};

use crate::Sns;
use crate::errors::Outcome;
use crate::message::Publication;
use crate::signing::Signed;
use crate::subscription::{subscribe_url, unsubscribe_url};
use crate::topics::Topic;

/// A message that is being made ready for its subscribers: it is signed once, however many there are.
#[derive(Debug)]
pub(crate) struct Notification<'a> {
    sns: &'a Sns,
    topic: &'a Topic,
    pub(crate) publication: &'a Publication,
    /// By the text, which can be another one for each protocol.
    signatures: HashMap<&'a str, Signed>,
}

impl<'a> Notification<'a> {
    pub(crate) fn new(sns: &'a Sns, topic: &'a Topic, publication: &'a Publication) -> Self {
        Self { sns, topic, publication, signatures: HashMap::new() }
    }

    /// The envelope, as queues and HTTP endpoints get it.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) async fn envelope(&mut self, text: &'a str, subscription_arn: &str) -> Outcome<String> {
        let publication = self.publication;
        let signed = self.sign(text).await?.cloned();
        let mut fields = vec![("Type", "Notification".to_owned()), ("MessageId", publication.id.clone())];
        if let Some(number) = publication.sequence_number {
            fields.push(("SequenceNumber", number.to_string()));
        }
        fields.push(("TopicArn", self.topic.arn.clone()));
        if let Some(subject) = &publication.subject {
            fields.push(("Subject", subject.clone()));
        }
        fields.push(("Message", text.to_owned()));
        fields.push(("Timestamp", publication.at.iso8601_millis()));
        if let Some(signed) = signed {
            fields.push(("SignatureVersion", signed.version));
            fields.push(("Signature", signed.signature));
            fields.push(("SigningCertURL", signed.certificate_url));
        }
        fields.push(("UnsubscribeURL", unsubscribe_url(&self.sns.parts.endpoint, subscription_arn)));
        Ok(write(&fields, &publication.attributes))
    }

    /// The event, as functions get it.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) async fn event(&mut self, text: &'a str, subscription_arn: &str) -> Outcome<String> {
        let publication = self.publication;
        let signed = self.sign(text).await?.cloned().unwrap_or_default();
        let event = json!({ "Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription_arn,
            "Sns": {
                "Type": "Notification",
                "MessageId": publication.id,
                "TopicArn": self.topic.arn,
                "Subject": publication.subject,
                "Message": text,
                "Timestamp": publication.at.iso8601_millis(),
                "SignatureVersion": signed.version,
                "Signature": signed.signature,
                "SigningCertUrl": signed.certificate_url,
                "UnsubscribeUrl": unsubscribe_url(&self.sns.parts.endpoint, subscription_arn),
                "MessageAttributes": show_attributes(&publication.attributes),
            },
        }]});
        Ok(event.to_string())
    }

    /// What AWS signs; messages of FIFO topics come without a signature.
    async fn sign(&mut self, text: &'a str) -> Outcome<Option<&Signed>> {
        let publication = self.publication;
        if publication.sequence_number.is_some() {
            return Ok(None);
        }
        if !self.signatures.contains_key(text) {
            let mut fields = vec![("Message", text), ("MessageId", &publication.id)];
            if let Some(subject) = &publication.subject {
                fields.push(("Subject", subject));
            }
            let timestamp = publication.at.iso8601_millis();
            fields.push(("Timestamp", &timestamp));
            fields.push(("TopicArn", &self.topic.arn));
            fields.push(("Type", "Notification"));
            let version = self.topic.record.signature_version();
            let signed = self.sns.signing.sign(self.sns, string_to_sign(&fields), version).await?;
            self.signatures.insert(text, signed);
        }
        Ok(self.signatures.get(text))
    }
}

/// Asks for the confirmation of a subscription, or offers to restore it.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub(crate) kind: &'static str,
    pub(crate) message_id: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) subscription_arn: &'a str,
    pub(crate) token: &'a str,
}

impl Request<'_> {
    /// The text for people.
    pub(crate) fn text(&self, topic: &Topic) -> String {
        if self.kind == "UnsubscribeConfirmation" {
            format!(
                "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the subscription, \
                 visit the SubscribeURL included in this message.",
                self.subscription_arn
            )
        } else {
            format!(
                "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL \
                 included in this message.",
                topic.arn
            )
        }
    }

    /// The envelope.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) async fn envelope(&self, sns: &Sns, topic: &Topic) -> Outcome<String> {
        let (text, timestamp) = (self.text(topic), self.at.iso8601_millis());
        let url = subscribe_url(&sns.parts.endpoint, &topic.key, self.token);
        let to_sign = string_to_sign(&[
            ("Message", &text),
            ("MessageId", self.message_id),
            ("SubscribeURL", &url),
            ("Timestamp", &timestamp),
            ("Token", self.token),
            ("TopicArn", &topic.arn),
            ("Type", self.kind),
        ]);
        let signed = sns.signing.sign(sns, to_sign, topic.record.signature_version()).await?;
        let fields = [
            ("Type", self.kind.to_owned()),
            ("MessageId", self.message_id.to_owned()),
            ("Token", self.token.to_owned()),
            ("TopicArn", topic.arn.clone()),
            ("Message", text),
            ("SubscribeURL", url),
            ("Timestamp", timestamp),
            ("SignatureVersion", signed.version),
            ("Signature", signed.signature),
            ("SigningCertURL", signed.certificate_url),
        ];
        Ok(write(&fields, &Attributes::new()))
    }
}

/// Names and values in alphabetical order, each on a line of its own.
fn string_to_sign(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect()
}

/// AWS's way to lay out JSON.
fn write(fields: &[(&str, String)], attributes: &Attributes) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut lines: Vec<String> =
        fields.iter().map(|(name, value)| format!("  \"{name}\" : {}", quoted(value))).collect();
    if !attributes.is_empty() {
        let shown: Vec<String> = attributes
            .iter()
            .map(|(name, attribute)| format!("    {} : {}", quoted(name), show_attribute(attribute)))
            .collect();
        lines.push(format!("  \"MessageAttributes\" : {{\n{}\n  }}", shown.join(",\n")));
    }
    format!("{{\n{}\n}}", lines.join(",\n"))
}

fn show_attribute(attribute: &targets::MessageAttribute) -> Value {
    let value = match &attribute.value {
        AttributeValue::String(text) => text.clone(),
        AttributeValue::Binary(bytes) => STANDARD.encode(bytes),
    };
    json!({ "Type": attribute.data_type, "Value": value })
}

fn show_attributes(attributes: &Attributes) -> Map<String, Value> {
    attributes.iter().map(|(name, attribute)| (name.clone(), show_attribute(attribute))).collect()
}
