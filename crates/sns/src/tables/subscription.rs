//! Subscriptions.

use std::collections::BTreeMap;

use clock::Timestamp;
use serde::{Deserialize, Serialize};
use store::Table;

/// By the topic's account, region and name, and the subscription's id.
pub(crate) static SUBSCRIPTIONS: Table<SubscriptionRecord> = Table::of_large_records("sns-subscription");

/// The id of the subscription of an endpoint: by the topic, and [`crate::subscription::endpoint_key`].
pub(crate) static ENDPOINTS: Table<String> = Table::new("sns-endpoint");

/// How what is published reaches an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Protocol {
    Http,
    Https,
    Email,
    EmailJson,
    Sms,
    Sqs,
    Lambda,
}

impl Protocol {
    /// AWS's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sms => "sms",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
        }
    }

    /// Whether it is HTTP, encrypted or not.
    pub(crate) const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether the endpoint's owner has to confirm.
    pub(crate) const fn needs_confirmation(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Email | Self::EmailJson)
    }
}

/// A subscription as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    /// The account that subscribed.
    pub(crate) owner: String,
    /// The ARN of who subscribed.
    pub(crate) principal: String,
    /// What was set, by AWS's names.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) confirmed: bool,
    /// Whether the confirmation was signed.
    pub(crate) confirmed_with_authentication: bool,
    /// Whether unsubscribing has to be signed.
    pub(crate) authenticate_on_unsubscribe: bool,
    /// What confirms it.
    pub(crate) token: Option<Token>,
}

/// What confirms a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) expires: Timestamp,
}

impl SubscriptionRecord {
    /// An attribute that was set.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.attribute("RawMessageDelivery") == Some("true")
    }

    /// Whether nobody confirmed it in time: then there is no such subscription any more.
    pub(crate) fn has_lapsed(&self, now: Timestamp) -> bool {
        !self.confirmed && self.token.as_ref().is_none_or(|token| token.expires <= now)
    }
}
