//! Where messages go that were received too often, and from where a queue takes such messages.

use std::fmt;

use ids::Arn;
use serde_json::Value;
use wire::Error;

use super::json::compact;
use crate::errors::{invalid, invalid_value};
use crate::tables::QueueKey;

/// A source queue's redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedrivePolicy {
    pub(crate) target: QueueKey,
    target_arn: String,
    pub(crate) max_receive_count: u32,
}

/// As AWS shows it, whatever it was set to.
impl fmt::Display for RedrivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arn = Value::from(self.target_arn.as_str());
        write!(f, "{{\"deadLetterTargetArn\":{arn},\"maxReceiveCount\":{}}}", self.max_receive_count)
    }
}

impl RedrivePolicy {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let fault = |reason: &str| invalid_value(text, "RedrivePolicy", reason);
        let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
            return Err(fault("Redrive policy is not a valid JSON map."));
        };
        let member = |name: &str| {
            let reason = format!("Redrive policy does not contain mandatory attribute: {name}.");
            policy.get(name).ok_or_else(|| fault(&reason))
        };
        let (count, arn) = (member("maxReceiveCount")?, member("deadLetterTargetArn")?);
        if policy.len() > 2 {
            let reason = "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].";
            return Err(fault(reason));
        }
        let number = match count {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        let max_receive_count = number.and_then(|number| u32::try_from(number).ok());
        let max_receive_count =
            max_receive_count.filter(|count| (1..=1_000).contains(count)).ok_or_else(|| {
                let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
                fault(&format!(
                    "Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both inclusive."
                ))
            })?;
        let target_arn = arn.as_str().unwrap_or_default();
        let target = Arn::parse(target_arn).ok().and_then(|arn| QueueKey::of_arn(&arn));
        let target = target.ok_or_else(|| fault("Invalid value for deadLetterTargetArn."))?;
        Ok(Self { target, target_arn: target_arn.to_owned(), max_receive_count })
    }
}

/// "you can specify up to 10 source queue ARNs" (API reference, `SetQueueAttributes`).
const SOURCES_MAX: usize = 10;

/// A dead-letter queue's redrive allow policy, as it will be shown.
pub(super) fn checked_allow_policy(text: &str) -> Result<String, Error> {
    let unsupported = || {
        invalid(
            "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as \
             it’s in an unsupported format.",
        )
    };
    let fault = |reason: &str| {
        let reason = format!("Amazon SQS can't create the redrive allow policy. {reason}");
        invalid_value(text, "RedriveAllowPolicy", &reason)
    };
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else { return Err(unsupported()) };
    if policy.keys().any(|name| name != "redrivePermission" && name != "sourceQueueArns") {
        return Err(unsupported());
    }
    let sources = match policy.get("sourceQueueArns") {
        None => None,
        Some(Value::Array(sources)) if sources.iter().all(is_queue_arn) => Some(sources.len()),
        Some(_) => return Err(unsupported()),
    };
    match (policy.get("redrivePermission").and_then(Value::as_str), sources) {
        (Some("byQueue"), None | Some(0)) => Err(fault(
            "When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.",
        )),
        (Some("byQueue"), Some(count)) if count > SOURCES_MAX => {
            Err(fault("The maximum number of source queue ARNs you can specify is 10."))
        }
        (Some("allowAll" | "denyAll"), Some(_)) => {
            Err(fault("To specify one or more source queue ARNs, you must set redrivePermission to byQueue."))
        }
        (Some("allowAll" | "denyAll" | "byQueue"), _) => Ok(compact(text)),
        _ => Err(unsupported()),
    }
}

fn is_queue_arn(value: &Value) -> bool {
    value.as_str().and_then(|text| Arn::parse(text).ok()).is_some_and(|arn| QueueKey::of_arn(&arn).is_some())
}

/// Whether a redrive allow policy that was checked when it was set permits `source`.
pub(crate) fn permits(allow_policy: Option<&str>, source: &QueueKey) -> bool {
    let Some(Ok(policy)) = allow_policy.map(serde_json::from_str::<Value>) else { return true };
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("denyAll") => false,
        Some("byQueue") => {
            let arn = source.arn();
            let sources = policy.get("sourceQueueArns").and_then(Value::as_array);
            sources.is_some_and(|sources| sources.iter().any(|source| source.as_str() == Some(&arn)))
        }
        _ => true,
    }
}
