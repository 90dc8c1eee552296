//! Which attributes a topic has, which values they take, and how they are shown. Source: Amazon SNS API reference,
//! `CreateTopic`, `SetTopicAttributes` and `GetTopicAttributes`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::delivery_policy;
use crate::errors::{Outcome, invalid, unsupported};
use crate::tables::topic::TopicRecord;
use crate::topic::{TopicKey, policy};
use crate::topics::Topic;

/// "Maximum length of 30,720" characters; a topic's policy is bounded alike.
const POLICY_BYTES_MAX: usize = 30_720;

/// "Up to 100 characters" (developer guide, "Creating an Amazon SNS topic").
const DISPLAY_NAME_LENGTH_MAX: usize = 100;

/// Checks an attribute that a request sets. `prefix` is what AWS puts before the name of a wrong one. An empty value
/// of those that are refused stands for the default.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn check(fifo: bool, name: &str, value: &str, prefix: &str) -> Outcome<()> {
    let refuse = |reason: &str| Err(invalid(format!("{prefix}{name}: {reason}")));
    match name {
        "DisplayName" if value.chars().count() > DISPLAY_NAME_LENGTH_MAX => {
            refuse("must be at most 100 characters long")
        }
        "DisplayName" => Ok(()),
        "Policy" => check_policy(value, prefix),
        "DeliveryPolicy" => delivery_policy::check_of_topic(value, prefix),
        "SignatureVersion" if matches!(value, "1" | "2") => Ok(()),
        "SignatureVersion" => refuse(&format!("Invalid value [{value}]. Must be 1 or 2.")),
        "MaximumMessageSize" => match value.parse::<u32>() {
            Ok(1_024..=1_048_576) => Ok(()),
            _ => refuse(&format!("Invalid value [{value}]. Must be between 1024 and 1048576.")),
        },
        "TracingConfig" if value == "PassThrough" => Ok(()),
        "TracingConfig" if value == "Active" => Err(unsupported("TracingConfig Active")),
        "TracingConfig" => refuse(&format!("Invalid value [{value}]. Must be PassThrough or Active.")),
        "ContentBasedDeduplication" if !fifo => {
            Err(invalid(format!("{prefix}ContentBasedDeduplication can only be set on FIFO topics")))
        }
        "FifoThroughputScope" if !fifo => {
            Err(invalid(format!("{prefix}FifoThroughputScope can only be set on FIFO topics")))
        }
        "ContentBasedDeduplication" if matches!(value, "true" | "false") => Ok(()),
        "ContentBasedDeduplication" => refuse(&format!("Invalid value [{value}]. Must be true or false.")),
        "FifoThroughputScope" if matches!(value, "Topic" | "MessageGroup") => Ok(()),
        "FifoThroughputScope" => refuse(&format!("Invalid value [{value}]. Must be Topic or MessageGroup.")),
        "KmsMasterKeyId" | "ArchivePolicy" if value.is_empty() => Ok(()),
        "KmsMasterKeyId" | "ArchivePolicy" => Err(unsupported(&format!("The topic attribute {name}"))),
        _ if is_feedback(name) && value.is_empty() => Ok(()),
        _ if is_feedback(name) => Err(unsupported(&format!("The topic attribute {name}"))),
        _ => Err(invalid(if prefix.is_empty() {
            "AttributeName".to_owned()
        } else {
            format!("{prefix}Unknown attribute: {name}")
        })),
    }
}

/// Whether it belongs to the delivery status logs.
fn is_feedback(name: &str) -> bool {
    ["HTTP", "Firehose", "Lambda", "Application", "SQS"]
        .iter()
        .filter_map(|protocol| name.strip_prefix(protocol))
        .any(|rest| {
            matches!(rest, "SuccessFeedbackRoleArn" | "SuccessFeedbackSampleRate" | "FailureFeedbackRoleArn")
        })
}

fn check_policy(text: &str, prefix: &str) -> Outcome<()> {
    let is_object = |value: &Value| value.get("Statement").is_some();
    match serde_json::from_str::<Value>(text) {
        Ok(policy) if text.len() <= POLICY_BYTES_MAX && is_object(&policy) => Ok(()),
        Ok(_) => Err(invalid(format!("{prefix}Policy Error: null"))),
        Err(_) => Err(invalid(format!("{prefix}Policy: failed to parse JSON."))),
    }
}

/// What an attribute that was not set counts as when a topic is made again with it.
pub(crate) fn default_value(key: &TopicKey, name: &str) -> String {
    match name {
        "Policy" => policy::default_policy(key),
        "FifoTopic" | "ContentBasedDeduplication" => "false".to_owned(),
        "SignatureVersion" => "1".to_owned(),
        "TracingConfig" => "PassThrough".to_owned(),
        "FifoThroughputScope" => "Topic".to_owned(),
        "MaximumMessageSize" => "262144".to_owned(),
        _ => String::new(),
    }
}

/// All attributes, as `GetTopicAttributes` shows them.
pub(crate) fn show(topic: &Topic) -> BTreeMap<String, String> {
    let TopicRecord { attributes, subscriptions_deleted, .. } = &topic.record;
    let mut shown: BTreeMap<String, String> = attributes
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut add = |name: &str, value: String| {
        shown.entry(name.to_owned()).or_insert(value);
    };
    add("TopicArn", topic.arn.clone());
    add("Owner", topic.key.account.to_string());
    add("DisplayName", String::new());
    add("Policy", policy::default_policy(&topic.key));
    add(
        "EffectiveDeliveryPolicy",
        delivery_policy::effective_of_topic(topic.record.attribute("DeliveryPolicy")),
    );
    add("SubscriptionsConfirmed", topic.subscriptions.len().to_string());
    add("SubscriptionsPending", topic.pending.to_string());
    add("SubscriptionsDeleted", subscriptions_deleted.to_string());
    if topic.record.is_fifo() {
        add("ContentBasedDeduplication", "false".to_owned());
    }
    shown
}
