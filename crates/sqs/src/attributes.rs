//! The attributes of queues: what may be set to what, what holds where nothing is set, and how a queue behaves by them.

mod json;
mod redrive;

use std::collections::BTreeMap;
use std::time::Duration;

use queue::{DeadLetter, DeduplicationScope, Fifo, Settings, ThroughputLimit};
use wire::Error;

pub(crate) use redrive::{RedrivePolicy, permits};

use crate::errors::{attribute_not_allowed, invalid_attribute, over_limit, unknown_attribute};
use crate::tables::{QueueKey, QueueRecord};

/// Attributes by name, as they are shown.
pub(crate) type Attributes = BTreeMap<String, String>;

/// "A policy can have at most 20 statements" (Amazon SQS developer guide, "Policy quotas").
const STATEMENTS_MAX: usize = 20;

/// What an attribute may be.
enum Kind {
    Number { min: u64, max: u64, default: Option<&'static str> },
    OneOf { values: &'static [&'static str], default: Option<&'static str> },
    Text,
    Policy,
    RedrivePolicy,
    RedriveAllowPolicy,
}

/// What is known of an attribute.
struct Rule {
    name: &'static str,
    kind: Kind,
    /// Only FIFO queues have it.
    fifo: bool,
}

const fn number(name: &'static str, min: u64, max: u64, default: &'static str) -> Rule {
    Rule { name, kind: Kind::Number { min, max, default: Some(default) }, fifo: false }
}

const fn choice(name: &'static str, values: &'static [&'static str], default: &'static str) -> Rule {
    Rule { name, kind: Kind::OneOf { values, default: Some(default) }, fifo: true }
}

const fn document(name: &'static str, kind: Kind) -> Rule {
    Rule { name, kind, fifo: false }
}

const BOOLEANS: &[&str] = &["true", "false"];

/// Attributes that can be set: "SetQueueAttributes" in the API reference.
static RULES: [Rule; 15] = [
    number("DelaySeconds", 0, 900, "0"),
    number("MaximumMessageSize", 1_024, 1_048_576, "1048576"),
    number("MessageRetentionPeriod", 60, 1_209_600, "345600"),
    number("ReceiveMessageWaitTimeSeconds", 0, 20, "0"),
    number("VisibilityTimeout", 0, 43_200, "30"),
    document("Policy", Kind::Policy),
    document("RedrivePolicy", Kind::RedrivePolicy),
    document("RedriveAllowPolicy", Kind::RedriveAllowPolicy),
    document(KMS_KEY, Kind::Text),
    document("KmsDataKeyReusePeriodSeconds", Kind::Number { min: 60, max: 86_400, default: None }),
    document(MANAGED_SSE, Kind::OneOf { values: BOOLEANS, default: Some("true") }),
    Rule { name: FIFO_QUEUE, kind: Kind::OneOf { values: BOOLEANS, default: None }, fifo: true },
    choice("ContentBasedDeduplication", BOOLEANS, "false"),
    choice("DeduplicationScope", &["queue", "messageGroup"], "queue"),
    choice("FifoThroughputLimit", &["perQueue", "perMessageGroupId"], "perQueue"),
];

const FIFO_QUEUE: &str = "FifoQueue";
const KMS_KEY: &str = "KmsMasterKeyId";
const MANAGED_SSE: &str = "SqsManagedSseEnabled";

/// Attributes that are only told.
const TOLD: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Whether a client may ask for an attribute of this name.
pub(crate) fn is_known(name: &str) -> bool {
    TOLD.contains(&name) || RULES.iter().any(|rule| rule.name == name)
}

/// Sets `given` over what is set in `present`; an empty document takes the attribute away.
pub(crate) fn set(present: &Attributes, given: &Attributes, key: &QueueKey) -> Result<Attributes, Error> {
    let mut set = present.clone();
    for (name, value) in given {
        match checked(key, name, value)? {
            Some(value) => set.insert(name.clone(), value),
            None => set.remove(name),
        };
    }
    check_encryption(present, given, &mut set)?;
    let by_group = |name, value| effective(&set, key, name) == Some(value);
    if by_group("FifoThroughputLimit", "perMessageGroupId") && !by_group("DeduplicationScope", "messageGroup")
    {
        return Err(invalid_attribute(
            "FifoThroughputLimit",
            Some(
                "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
            ),
        ));
    }
    Ok(set)
}

/// The value as it will be shown; `None` when there is no such attribute any more.
pub(crate) fn checked(key: &QueueKey, name: &str, value: &str) -> Result<Option<String>, Error> {
    let rule = RULES.iter().find(|rule| rule.name == name && (key.is_fifo() || !rule.fifo));
    let Some(rule) = rule else { return Err(unknown_attribute(name)) };
    if name == FIFO_QUEUE && value != "true" {
        return Err(invalid_attribute(name, Some("Modifying queue type is not supported.")));
    }
    match &rule.kind {
        Kind::Number { min, max, .. } => {
            let number = value.parse().ok().filter(|number: &u64| (*min..=*max).contains(number));
            number.map(|number| Some(number.to_string())).ok_or_else(|| invalid_attribute(name, None))
        }
        Kind::OneOf { values, .. } if values.contains(&value) => Ok(Some(value.to_owned())),
        Kind::OneOf { .. } => Err(invalid_attribute(name, None)),
        _ if value.is_empty() => Ok(None),
        Kind::Text => Ok(Some(value.to_owned())),
        Kind::Policy => checked_policy(value).map(Some),
        Kind::RedrivePolicy => RedrivePolicy::parse(value).map(|policy| Some(policy.to_string())),
        Kind::RedriveAllowPolicy => redrive::checked_allow_policy(value).map(Some),
    }
}

fn checked_policy(text: &str) -> Result<String, Error> {
    let invalid = || invalid_attribute("Policy", None);
    let policy: serde_json::Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let statements = match policy.get("Statement") {
        Some(serde_json::Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
        None => return Err(invalid()),
    };
    if statements.len() > STATEMENTS_MAX {
        let count = statements.len();
        return Err(over_limit(format!(
            "{count} statements were found in the submitted policy, max allowed is {STATEMENTS_MAX}"
        )));
    }
    let is_whole = |statement: &&serde_json::Value| {
        matches!(statement.get("Effect").and_then(serde_json::Value::as_str), Some("Allow" | "Deny"))
            && ["Action", "NotAction"].iter().any(|name| statement.get(name).is_some())
    };
    if statements.is_empty() || !statements.iter().all(is_whole) {
        return Err(invalid());
    }
    Ok(json::compact(text))
}

/// A queue has one kind of encryption at a time: a key of KMS turns off that of SQS.
fn check_encryption(present: &Attributes, given: &Attributes, set: &mut Attributes) -> Result<(), Error> {
    if !set.contains_key(KMS_KEY) {
        // The key was taken away: SQS's own encryption is on again unless it is turned off now.
        if present.contains_key(KMS_KEY) && !given.contains_key(MANAGED_SSE) {
            set.remove(MANAGED_SSE);
        }
        return Ok(());
    }
    if given.get(MANAGED_SSE).is_some_and(|value| value == "true") {
        return Err(attribute_not_allowed(
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
        ));
    }
    set.insert(MANAGED_SSE.to_owned(), "false".to_owned());
    Ok(())
}

/// What holds of an attribute that can be set: what was set, or else the default.
pub(crate) fn effective<'a>(set: &'a Attributes, key: &QueueKey, name: &str) -> Option<&'a str> {
    if let Some(value) = set.get(name) {
        return Some(value);
    }
    let rule = RULES.iter().find(|rule| rule.name == name && (key.is_fifo() || !rule.fifo))?;
    match rule.kind {
        Kind::Number { default, .. } | Kind::OneOf { default, .. } => {
            // AWS's default; shown only beside a key.
            let reuse =
                (name == "KmsDataKeyReusePeriodSeconds" && set.contains_key(KMS_KEY)).then_some("300");
            default.or(reuse)
        }
        _ => None,
    }
}

/// All that can be set and holds.
pub(crate) fn all_effective(set: &Attributes, key: &QueueKey) -> Attributes {
    RULES
        .iter()
        .filter_map(|rule| Some((rule.name.to_owned(), effective(set, key, rule.name)?.to_owned())))
        .collect()
}

/// How a queue behaves by its attributes, besides what [`Settings`] say.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    pub(crate) message_bytes_max: usize,
    pub(crate) wait: Duration,
    pub(crate) content_based_deduplication: bool,
    pub(crate) redrive: Option<RedrivePolicy>,
}

/// Reads attributes that were checked when they were set.
pub(crate) fn behaviour(record: &QueueRecord, key: &QueueKey) -> Behaviour {
    let text = |name| effective(&record.attributes, key, name);
    Behaviour {
        message_bytes_max: text("MaximumMessageSize").and_then(|text| text.parse().ok()).unwrap_or(1_048_576),
        wait: seconds(record, key, "ReceiveMessageWaitTimeSeconds"),
        content_based_deduplication: text("ContentBasedDeduplication") == Some("true"),
        redrive: text("RedrivePolicy").and_then(|text| RedrivePolicy::parse(text).ok()),
    }
}

/// Reads attributes that were checked when they were set.
pub(crate) fn settings(record: &QueueRecord, key: &QueueKey, dead_letter: Option<DeadLetter>) -> Settings {
    let text = |name| effective(&record.attributes, key, name);
    let fifo = key.is_fifo().then(|| Fifo {
        content_based_deduplication: text("ContentBasedDeduplication") == Some("true"),
        deduplication_scope: match text("DeduplicationScope") {
            Some("messageGroup") => DeduplicationScope::MessageGroup,
            _ => DeduplicationScope::Queue,
        },
        throughput_limit: match text("FifoThroughputLimit") {
            Some("perMessageGroupId") => ThroughputLimit::PerMessageGroupId,
            _ => ThroughputLimit::PerQueue,
        },
    });
    Settings {
        arn: key.arn(),
        fifo,
        visibility_timeout: seconds(record, key, "VisibilityTimeout"),
        delay: seconds(record, key, "DelaySeconds"),
        retention: seconds(record, key, "MessageRetentionPeriod"),
        dead_letter,
    }
}

fn seconds(record: &QueueRecord, key: &QueueKey, name: &str) -> Duration {
    let number = effective(&record.attributes, key, name).and_then(|text| text.parse().ok());
    Duration::from_secs(number.unwrap_or(0))
}

#[cfg(test)]
mod tests;
