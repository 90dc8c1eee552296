//! Which attributes a subscription has, which values they take, and how they are shown. Source: Amazon SNS API
//! reference, `Subscribe`, `SetSubscriptionAttributes` and `GetSubscriptionAttributes`.

use std::collections::BTreeMap;

use event_pattern::{Dialect, Pattern};
use ids::Arn;
use serde_json::Value;

use crate::delivery_policy;
use crate::errors::{Outcome, invalid, unsupported};
use crate::subscription::SubscriptionKey;
use crate::tables::subscription::{Protocol, SubscriptionRecord};
use crate::topics::Topic;

/// Which operation sets the attributes: AWS's words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `Subscribe`.
    Subscribe,
    /// `SetSubscriptionAttributes`.
    Set,
}

impl Stage {
    /// What stands before the reason.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Subscribe => "Attributes Reason: ",
            Self::Set => "",
        }
    }
}

/// Checks all attributes of a subscription, of which `changed` were just set.
///
/// # Errors
/// `InvalidParameter`.
pub(crate) fn check(
    record: &SubscriptionRecord,
    changed: &BTreeMap<String, String>,
    fifo_topic: bool,
    stage: Stage,
) -> Outcome<()> {
    for (name, value) in changed {
        check_one(record, name, value, fifo_topic, stage)?;
    }
    // The scope decides how a policy is read, so either change concerns both.
    let policy = record.attribute("FilterPolicy").filter(|policy| !is_empty_policy(policy));
    if let Some(policy) = policy
        && changed.keys().any(|name| name.starts_with("FilterPolicy"))
    {
        Pattern::parse(policy, dialect(record))
            .map_err(|error| invalid(format!("{}{error}", stage.prefix())))?;
    }
    Ok(())
}

fn check_one(
    record: &SubscriptionRecord,
    name: &str,
    value: &str,
    fifo_topic: bool,
    stage: Stage,
) -> Outcome<()> {
    let prefix = stage.prefix();
    let protocol = record.protocol;
    match name {
        "RawMessageDelivery" => match value {
            "true" if protocol == Protocol::Sqs || protocol.is_http() => Ok(()),
            "true" => Err(invalid(format!(
                "{prefix}Delivery protocol [{}] does not support raw message delivery.",
                protocol.as_str()
            ))),
            "false" => Ok(()),
            _ => Err(invalid(format!(
                "{prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false."
            ))),
        },
        "FilterPolicy" => Ok(()),
        "FilterPolicyScope" if matches!(value, "MessageAttributes" | "MessageBody") => Ok(()),
        "FilterPolicyScope" => Err(invalid(format!(
            "{prefix}FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        ))),
        "RedrivePolicy" => check_redrive_policy(record, value, fifo_topic, prefix),
        "DeliveryPolicy" if protocol.is_http() => delivery_policy::check_of_subscription(value, prefix),
        "DeliveryPolicy" if value.is_empty() => Ok(()),
        "DeliveryPolicy" => Err(invalid(format!(
            "{prefix}Delivery protocol [{}] does not support delivery policies.",
            protocol.as_str()
        ))),
        "SubscriptionRoleArn" | "ReplayPolicy" if value.is_empty() => Ok(()),
        "SubscriptionRoleArn" | "ReplayPolicy" => {
            Err(unsupported(&format!("The subscription attribute {name}")))
        }
        _ => Err(invalid(format!("{prefix}AttributeName"))),
    }
}

fn check_redrive_policy(
    record: &SubscriptionRecord,
    value: &str,
    fifo_topic: bool,
    prefix: &str,
) -> Outcome<()> {
    if value.is_empty() {
        return Ok(());
    }
    let policy: Value = serde_json::from_str(value)
        .map_err(|_| invalid(format!("{prefix}RedrivePolicy: failed to parse JSON.")))?;
    let arn = policy["deadLetterTargetArn"].as_str().and_then(|text| Arn::parse(text).ok());
    let Some(arn) = arn.filter(|arn| arn.service == "sqs") else {
        return Err(invalid(format!("{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")));
    };
    if fifo_topic && record.endpoint.ends_with(".fifo") && !arn.resource.ends_with(".fifo") {
        return Err(invalid(format!(
            "{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic."
        )));
    }
    if !fifo_topic && arn.resource.ends_with(".fifo") {
        return Err(invalid(format!(
            "{prefix}RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard Topic."
        )));
    }
    Ok(())
}

/// How the filter policy of a subscription is read.
pub(crate) fn dialect(record: &SubscriptionRecord) -> Dialect {
    match record.attribute("FilterPolicyScope") {
        Some("MessageBody") => Dialect::SnsBody,
        _ => Dialect::SnsAttributes,
    }
}

/// "To remove a filter policy, set it to an empty object" (developer guide, "Removing a subscription filter policy").
pub(crate) fn is_empty_policy(policy: &str) -> bool {
    policy.is_empty()
        || serde_json::from_str::<Value>(policy).is_ok_and(|policy| policy == serde_json::json!({}))
}

/// All attributes, as `GetSubscriptionAttributes` shows them.
pub(crate) fn show(
    topic: Option<&Topic>,
    key: &SubscriptionKey,
    record: &SubscriptionRecord,
) -> BTreeMap<String, String> {
    let filtered = record.attribute("FilterPolicy").is_some_and(|policy| !is_empty_policy(policy));
    let hidden = |name: &str| name.starts_with("FilterPolicy") && !filtered;
    let mut shown: BTreeMap<String, String> = record
        .attributes
        .iter()
        .filter(|(name, value)| !value.is_empty() && !hidden(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut add = |name: &str, value: &str| {
        shown.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    let truth = |fact: bool| if fact { "true" } else { "false" };
    add("SubscriptionArn", &key.arn());
    add("TopicArn", &key.topic.arn());
    add("Owner", &record.owner);
    add("Protocol", record.protocol.as_str());
    add("Endpoint", &record.endpoint);
    add("SubscriptionPrincipal", &record.principal);
    add("PendingConfirmation", truth(!record.confirmed));
    add("ConfirmationWasAuthenticated", truth(record.confirmed_with_authentication));
    add("RawMessageDelivery", "false");
    if filtered {
        add("FilterPolicyScope", "MessageAttributes");
    }
    if record.protocol.is_http() {
        let topic = topic.and_then(|topic| topic.record.attribute("DeliveryPolicy"));
        let effective = delivery_policy::effective_of_subscription(topic, record.attribute("DeliveryPolicy"));
        add("EffectiveDeliveryPolicy", &effective);
    }
    shown
}
