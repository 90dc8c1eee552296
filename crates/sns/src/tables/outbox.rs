//! E-mails and text messages: instead of leaving this host they are kept here to be read.

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::Table;

/// By a number that grows.
pub(crate) static OUTBOX: Table<OutboxEntry> = Table::of_large_records("sns-outbox");

/// An e-mail or a text message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// When it was sent.
    pub at: Timestamp,
    /// `email`, `email-json` or `sms`.
    pub protocol: String,
    /// An e-mail address or a phone number.
    pub to: String,
    /// The name the sender goes by: the topic's display name, or the sender id of a text message.
    pub from: Option<String>,
    /// The topic's ARN; none for what was published to a phone number.
    pub topic_arn: Option<String>,
    /// The subscription's ARN.
    pub subscription_arn: Option<String>,
    /// The message's id.
    pub message_id: String,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// What confirms the subscription, in a message that asks for that.
    pub token: Option<String>,
    /// Where a click confirms the subscription.
    pub subscribe_url: Option<String>,
}
