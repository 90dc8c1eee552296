//! What a subscription is called, and how it is found.

mod attributes;
mod endpoint;

use std::fmt::Write as _;
use std::time::Duration;

use clock::Timestamp;
use ids::IdSource;
use sha2::{Digest, Sha256};
use store::{Row, Snapshot};
use wire::Context;

pub(crate) use attributes::{Stage, check, dialect, is_empty_policy, show};
pub(crate) use endpoint::{check_endpoint, is_phone_number, parse_protocol};

use crate::errors::{Outcome, invalid, subscription_missing};
use crate::tables::subscription::{Protocol, SUBSCRIPTIONS, SubscriptionRecord, Token};
use crate::topic::{TopicKey, parse_arn};

/// "Confirmation tokens are valid for two days" (API reference, `Subscribe`).
const TOKEN_VALID: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// How long AWS's tokens are, in hexadecimal digits.
const TOKEN_LENGTH: usize = 288;

/// Names a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubscriptionKey {
    pub(crate) topic: TopicKey,
    /// A UUID.
    pub(crate) id: String,
}

impl SubscriptionKey {
    /// The subscription that a request names. It need not exist, and may be another account's.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let mut arn = parse_arn(text, "SubscriptionArn")?;
        let Some((name, id)) = arn.resource.split_once(':') else {
            return Err(invalid("SubscriptionId"));
        };
        let (name, id) = (name.to_owned(), id.to_owned());
        arn.resource = name;
        let topic = TopicKey::of_arn(&arn).ok_or_else(|| invalid("SubscriptionArn"))?;
        let is_word = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if id.is_empty() || id.len() > 64 || !is_word(&id) {
            return Err(invalid("SubscriptionId"));
        }
        Ok(Self { topic, id })
    }

    pub(crate) fn arn(&self) -> String {
        arn(&self.topic, &self.id)
    }
}

/// `arn:aws:sns:REGION:ACCOUNT:TOPIC:ID`.
pub(crate) fn arn(topic: &TopicKey, id: &str) -> String {
    format!("{}:{id}", topic.arn())
}

/// The subscription's row, unless nobody confirmed it in time.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn find(
    snapshot: &dyn Snapshot,
    key: &SubscriptionKey,
    now: Timestamp,
) -> Outcome<Row<SubscriptionRecord>> {
    let row = SUBSCRIPTIONS.get(snapshot, &key.topic.parts_and(&key.id)).await?;
    row.filter(|row| !row.record.has_lapsed(now)).ok_or_else(subscription_missing)
}

/// Under what an endpoint is found: it may subscribe to a topic only once. A URL may be longer than a key.
pub(crate) fn endpoint_key(protocol: Protocol, endpoint: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(protocol.as_str());
    hash.update([0]);
    hash.update(endpoint);
    hex(&hash.finalize())
}

/// A token for this subscription: its id, and what nobody can guess.
pub(crate) fn make_token(ids: &IdSource, id: &str, now: Timestamp) -> Token {
    let id: String = id.chars().filter(|c| *c != '-').collect();
    let text = format!("{id}{}", ids.hex(TOKEN_LENGTH - id.len()));
    Token { text, expires: now + TOKEN_VALID }
}

/// The id of the subscription that a token is about.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn id_of_token(token: &str) -> Outcome<String> {
    if token.len() != TOKEN_LENGTH || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid("Token"));
    }
    Ok(format!("{}-{}-{}-{}-{}", &token[..8], &token[8..12], &token[12..16], &token[16..20], &token[20..32]))
}

/// Where a click confirms a subscription.
pub(crate) fn subscribe_url(endpoint: &str, topic: &TopicKey, token: &str) -> String {
    format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={}&Token={token}", topic.arn())
}

/// Where a click ends a subscription.
pub(crate) fn unsubscribe_url(endpoint: &str, arn: &str) -> String {
    format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={arn}")
}

/// Who may see or change a subscription: the account that subscribed, and the topic's.
pub(crate) fn is_visible(context: &Context, key: &SubscriptionKey, record: &SubscriptionRecord) -> bool {
    record.owner == context.account.as_str() || key.topic.account == context.account
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
